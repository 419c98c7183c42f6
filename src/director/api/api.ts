/**
 * The API layer, put together: kinds, verbs, watches, admission and documents over a store, as one HTTP handler.
 */

import type { Clock } from '../../ports/clock.ts';
import type { HttpHandler } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { StaticFiles } from '../../ports/static-files.ts';
import type { EntityStore } from '../../ports/store.ts';
import type { Tracer } from '../../ports/tracer.ts';
import { admissionOf } from '../admission/admission.ts';
import { definitionRule, definitionStatus, servedRule } from '../admission/definitions.ts';
import { drillRule } from '../admission/drills.ts';
import { namespaceRule } from '../admission/namespaces.ts';
import { nodeLabelRule } from '../admission/node-labels.ts';
import { clusterCountRule, reservationRule } from '../admission/reservations.ts';
import { siteLeftBehind, siteRules } from '../admission/sites.ts';
import { tunnelLeaseRule } from '../admission/tunnel-leases.ts';
import { upgradeRule } from '../admission/upgrades.ts';
import { revocationRule } from '../admission/revocation.ts';
import type { Authenticator, Authorizer, OwnPaths, Reviews } from '../auth/identity.ts';
import type { GatewayDoor } from '../gateway/door.ts';
import { createConsoleFiles } from './console-files.ts';
import type { Engine } from './engine.ts';
import { createHandler } from './handler.ts';
import { createMetrics } from './metrics.ts';
import type { PageHandler } from './pages.ts';
import { createPathHandler } from './paths.ts';
import { createRegistry } from './registry.ts';
import { requestTracer } from './trace.ts';
import { createWatchHub } from './watch.ts';

export interface ApiParts {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly ownPaths: OwnPaths;
  readonly reviews: Reviews;
  readonly pages?: PageHandler;
  /** What the console was built into; absent: there is no console. */
  readonly consoleFiles?: StaticFiles;
  /** Version of this program. */
  readonly release: string;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly connections: () => number;
  /** What leads through tunnels; undefined: nothing does. */
  readonly gateway?: GatewayDoor;
  readonly onDeletion: () => void;
  /** A promise of our own code was broken: the process should end and be started again. */
  readonly onBroken: (error: unknown) => void;
  /** Aborts when the API stops for good: then nothing waits any more. */
  readonly signal: AbortSignal;
}

export interface Api {
  readonly handler: HttpHandler;
  readonly engine: Engine;
  /** From now on `/readyz` says no, and open watches end so that their clients resume elsewhere. */
  drain(): void;
}

export function createApi(parts: ApiParts): Api {
  const { store, clock, random, log, signal, tracer } = parts;
  const registry = createRegistry({ store, log });
  const inNamespace = namespaceRule(store);
  const served = servedRule(registry);
  const admission = admissionOf({
    completions: [definitionStatus(clock), siteLeftBehind()],
    rules: [
      inNamespace,
      definitionRule(registry, store),
      reservationRule(store),
      nodeLabelRule,
      clusterCountRule(store),
      revocationRule(clock),
      tunnelLeaseRule,
      ...siteRules(store),
      upgradeRule(store),
      drillRule(store),
    ],
    confirmations: [inNamespace, served],
  });
  const engine: Engine = { store, registry, clock, random, log, authorizer: parts.authorizer, admission, onDeletion: parts.onDeletion };
  const hub = createWatchHub(store, clock, () => random.float());
  const metrics = createMetrics({
    watches: () => hub.count(),
    connections: parts.connections,
    tunnels: () => parts.gateway?.tunnels() ?? 0,
    spansDropped: () => parts.tracer?.dropped() ?? 0,
    revision: () => store.revision(),
    ready: () => store.ready(),
    entities: () =>
      registry
        .all()
        .map(({ group, plural }) => ({ resource: group === '' ? plural : `${plural}.${group}`, count: store.count(group, plural) })),
  });
  let draining = false;
  const paths = createPathHandler({ registry, store, metrics, release: parts.release, stopping: () => draining });
  registry.follow(signal);
  const handler = createHandler({
    engine,
    hub,
    ...parts,
    paths,
    pages: parts.pages,
    consoleFiles: parts.consoleFiles && createConsoleFiles(parts.consoleFiles),
    metrics,
    trace: tracer && requestTracer(tracer, { clock, random }),
    gateway: parts.gateway,
  });
  return {
    handler,
    engine,
    drain: () => {
      draining = true;
      hub.close();
    },
  };
}
