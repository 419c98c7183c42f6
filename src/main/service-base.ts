/**
 * What `outrigger service NAME` hands to each framework service; the rest is composed in the service's own file here.
 */

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Framework } from '../services/framework.ts';

/** What every framework service gets. */
export interface ServiceBase {
  readonly framework: Framework;
  /** The node's folder, absolute. */
  readonly folder: string;
  /** Where this pod listens. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
