/**
 * Says when what is shown is not from now, and from when it is. What is current needs no banner.
 */

import { Banner } from '@patternfly/react-core';
import type { Contact } from '../watch/live-set.ts';
import { durationText, timeText, useNow } from './moment.ts';

/** A director that is restarted is back before this, and nobody need be told. */
const PATIENCE_MS = 1_500;

export function ContactBanner({ contact }: { readonly contact: Contact }) {
  const isLost = contact.state === 'lost';
  const now = useNow(1_000, isLost);
  const sinceMs = isLost ? contact.sinceMs : undefined;
  const isOld = isLost && (sinceMs === undefined || now - sinceMs > PATIENCE_MS);
  return (
    <div role="status" aria-live="polite">
      {isOld && (
        <Banner color="yellow" isSticky>
          {sinceMs === undefined
            ? 'The director does not answer. It is asked again and again.'
            : `The director does not answer. What you see is from ${timeText(sinceMs)}, ${durationText(now - sinceMs)} ago; it is asked again and again.`}
        </Banner>
      )}
    </div>
  );
}
