/**
 * Readiness: for each row of the truth table (docs/reference/outages.md), what would happen to this cluster now.
 *
 * For people before they pull a plug (`outrigger status --readiness`, also on a node without any network), and for a drill, which predicts by it and
 * is refused by it.
 *
 * I1: every forecast follows from the facts; no row is invented: what the cluster does not have cannot die.
 * I2: a service whose only ready instance dies is an Outage, whatever is promised of it.
 * I3: more that is ready never makes a forecast worse.
 * I4: where the whole site is silent, nothing about it is claimed to be so now: Unknown.
 * I5: `promised` is false exactly where it would be worse than the truth table says for what the spec asks.
 */

import { controlForecasts } from './readiness-control.ts';
import { isSiteSilent } from './readiness-facts.ts';
import type { ReadinessFacts } from './readiness-facts.ts';
import type { Forecast } from './readiness-forecast.ts';
import { nodeForecasts } from './readiness-nodes.ts';
import { serviceForecasts } from './readiness-services.ts';

/** A cluster that is being deleted has nothing to be ready for. */
export function readinessOf(facts: ReadinessFacts): readonly Forecast[] {
  if (facts.cluster.metadata.deletionTimestamp !== undefined) return [];
  const site = [...serviceForecasts(facts), ...nodeForecasts(facts)];
  return [...(isSiteSilent(facts) ? site.map(asLastHeard) : site), ...controlForecasts(facts)];
}

/** Whether something would stop being served that should not, or nobody can say. */
export function isUnready(forecasts: readonly Forecast[]): boolean {
  return forecasts.some(({ verdict, promised }) => !promised && (verdict === 'Outage' || verdict === 'Unknown'));
}

function asLastHeard(forecast: Forecast): Forecast {
  return {
    ...forecast,
    verdict: 'Unknown',
    promised: false,
    effect: `As last heard: ${forecast.effect}`,
    because: `Nothing is heard of the site now. ${forecast.because}`,
    remedy: 'See that its machines run and reach a director; on one of them, "outrigger status --readiness" tells what is so.',
  };
}
