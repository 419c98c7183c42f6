/**
 * What needs a person, in one line: the gravest sentence, and how many more there are.
 */

import { Icon } from '@patternfly/react-core';
import { ExclamationCircleIcon } from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { ExclamationTriangleIcon } from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import type { Concern } from '../../../src/decide/attention.ts';

export function Concerned({ concerns }: { readonly concerns: readonly Concern[] }) {
  const [first] = concerns;
  if (first === undefined) return <span className="or-quiet">Nothing</span>;
  const isBroken = first.gravity === 'Broken';
  const more = concerns.length - 1;
  return (
    <span className="or-concern">
      <Icon status={isBroken ? 'danger' : 'warning'} isInline>
        {isBroken ? <ExclamationCircleIcon /> : <ExclamationTriangleIcon />}
      </Icon>
      <span className="or-clamp">{first.message}</span>
      {more > 0 && <span className="or-quiet">and {more} more</span>}
    </span>
  );
}
