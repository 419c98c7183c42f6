/**
 * Something is on its way, and what it is.
 */

import { Bullseye, Spinner } from '@patternfly/react-core';

export function Waiting({ what }: { readonly what: string }) {
  return (
    <Bullseye className="or-waiting">
      <Spinner aria-label={`Loading ${what}`} />
    </Bullseye>
  );
}
