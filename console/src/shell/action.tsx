/**
 * A button for something that may not be possible now: then it says why, to the pointer and to the keyboard.
 */

import { Button, Tooltip } from '@patternfly/react-core';
import type { ButtonProps } from '@patternfly/react-core';

export function Action({ whyNot, ...button }: ButtonProps & { readonly whyNot: string | undefined }) {
  if (whyNot === undefined) return <Button {...button} />;
  return (
    <Tooltip content={whyNot} aria="describedby">
      <Button {...button} isAriaDisabled />
    </Tooltip>
  );
}
