/**
 * Readiness for the death of one instance: of each replicated service, and of each singleton.
 */

import type { Forecast } from './readiness-forecast.ts';
import { membersOf, standingsOf, together } from './readiness-facts.ts';
import type { ReadinessFacts, ServiceStanding } from './readiness-facts.ts';

export function serviceForecasts(facts: ReadinessFacts): readonly Forecast[] {
  const standings = standingsOf(facts);
  return [
    ...standings.filter(({ mode }) => mode === 'Replicated').map((standing) => instance(facts, standing)),
    ...standings.filter(({ mode }) => mode === 'Singleton').map((standing) => singleton(facts, standing)),
  ];
}

function instance(facts: ReadinessFacts, standing: ServiceStanding): Forecast {
  const { name, on, desired, balanced } = standing;
  const base = { row: 'instance', subject: name, failure: `an instance of ${name}` } as const;
  const ready = `It is ready on ${on.length} of ${desired}: ${together(on)}`;
  if (on.length === 0) return { ...base, verdict: 'Outage', promised: false, ...downAlready(facts, standing) };
  if (on.length === 1) {
    const promised = desired <= 1 && standing.restarted !== false;
    return {
      ...base,
      verdict: 'Outage',
      promised,
      effect: `Nobody serves ${name} until it is started again: ${again(standing)}.`,
      because: `It is ready on ${together(on)} alone, of ${desired} that ${desired === 1 ? 'is' : 'are'} asked for${others(standing)}.`,
      remedy: desired <= 1 ? 'Ask for a second node: spec.workers 1.' : missingRemedy(facts, standing),
    };
  }
  if (balanced === false)
    return {
      ...base,
      verdict: 'Degraded',
      promised: true,
      effect: `The others go on; what it did on its node stands still until it is started again: ${again(standing)}.`,
      because: `${ready}; it has no port, so no balancer sends clients to another.`,
    };
  return {
    ...base,
    verdict: 'NoEffect',
    promised: true,
    effect: `Clients notice nothing: each node's balancer goes to ${on.length === 2 ? 'the other instance' : 'the others'}; the dead one is started again: ${again(standing)}.`,
    because: `${ready}${others(standing)}.`,
    ...(on.length < desired ? { remedy: missingRemedy(facts, standing) } : {}),
  };
}

function singleton(facts: ReadinessFacts, standing: ServiceStanding): Forecast {
  const { name, on } = standing;
  const base = { row: 'singleton', subject: name, failure: `the instance of ${name}` } as const;
  if (on.length === 0) return { ...base, verdict: 'Outage', promised: false, ...downAlready(facts, standing) };
  const comesBack = standing.restarted !== false;
  return {
    ...base,
    verdict: comesBack ? 'Degraded' : 'Outage',
    promised: comesBack,
    effect: `It stands still until it is started again in its place: ${again(standing)}.`,
    because: `It is a singleton and runs on ${together(on)}.`,
    ...(comesBack ? {} : { remedy: 'Let it be started again: restartPolicy Always.' }),
  };
}

/** When it is there again. */
function again({ restarted }: ServiceStanding): string {
  return restarted === false ? 'never by itself, its restartPolicy is Never' : 'within 1 s, and its own start-up';
}

function others({ failing }: ServiceStanding): string {
  return failing.length === 0 ? '' : `; on ${together(failing)} it keeps dying`;
}

function downAlready(facts: ReadinessFacts, standing: ServiceStanding): Pick<Forecast, 'effect' | 'because' | 'remedy'> {
  const { name, failing } = standing;
  const isNew = facts.cluster.status?.availableAt === undefined;
  return {
    effect: `${name} is served by nobody already.`,
    because: failing.length > 0 ? `On ${together(failing)} it keeps dying.` : 'No node that is up has a ready instance of it.',
    remedy: isNew ? 'Wait until the cluster is Available.' : missingRemedy(facts, standing),
  };
}

function missingRemedy(facts: ReadinessFacts, { failing, on, name }: ServiceStanding): string {
  const [first] = failing;
  if (first !== undefined) return `Look at the logs of ${name} on ${first}.`;
  const without = membersOf(facts)
    .map(({ metadata }) => metadata.name)
    .filter((node) => !on.includes(node));
  return without.length === 0 ? 'Wait for the nodes that are asked for.' : `See what holds ${together(without)} up: outrigger doctor.`;
}
