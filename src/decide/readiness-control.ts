/**
 * Readiness for the loss of what stands above the site: extension servers, directors, database, the sync of the license.
 */

import type { Forecast } from './readiness-forecast.ts';
import { isUp, primaryOf } from './readiness-facts.ts';
import type { ReadinessFacts } from './readiness-facts.ts';

export function controlForecasts(facts: ReadinessFacts): readonly Forecast[] {
  return [extensionServers(facts), director(facts), ...database(facts), ...licenseSync(facts)];
}

function extensionServers(facts: ReadinessFacts): Forecast {
  const base = { row: 'extension-servers', subject: '', failure: 'all extension servers' } as const;
  const count = facts.control?.extensionServers;
  const lives =
    count === undefined
      ? 'How many run is not known here'
      : count === 0
        ? 'None runs now already'
        : `${count} run${count === 1 ? 's' : ''} now`;
  if (facts.cluster.status?.availableAt === undefined)
    return {
      ...base,
      verdict: 'Outage',
      promised: count !== 0,
      effect: 'Its creation stands still until one runs again; nothing is lost.',
      because: `${lives}; this cluster was never available yet, and only they create.`,
      ...(count === 0 ? { remedy: 'Start one: outrigger extension.' } : {}),
    };
  const primary = primaryOf(facts);
  const isHeadless = primary === undefined || !isUp(facts, primary);
  return {
    ...base,
    verdict: isHeadless ? 'Degraded' : 'NoEffect',
    promised: !isHeadless,
    effect: isHeadless
      ? 'Services go on; its primary is not replaced until one runs again, and without a primary nobody scales, repairs or upgrades.'
      : 'It goes on, and scales, repairs workers and upgrades by itself; new clusters, deletion and the replacement of a lost primary wait.',
    because: isHeadless
      ? `${lives}, and ${primary?.metadata.name ?? 'its primary'} is not up.`
      : `${lives}; the manager is its primary, ${primary.metadata.name}.`,
    ...(count === 0 ? { remedy: 'Start one: outrigger extension.' } : {}),
  };
}

function director(facts: ReadinessFacts): Forecast {
  const { control } = facts;
  const base = { row: 'director', subject: '', failure: 'all directors' } as const;
  const silentMs = control?.directorSilentMs;
  const primary = primaryOf(facts);
  const now =
    silentMs !== undefined
      ? `None has been reached for ${spanOf(silentMs)} already`
      : control?.directorAnswers === true
        ? 'One answers now'
        : control?.directorAnswers === false
          ? 'None answers now already'
          : 'Whether one answers is not known here';
  const manages = primary !== undefined && isUp(facts, primary);
  return {
    ...base,
    verdict: 'Degraded',
    promised: true,
    effect: `Nothing at the site stops${manages ? ', and a change that has begun is finished' : ''}; nobody above sees it or can change it, and a dead machine is not replaced.${licenseWords(facts)}`,
    because: `${now}; nodes keep on their own disks what they run, and hear each other without it.`,
  };
}

const WHO_RESTARTS = {
  Embedded: 'It came with outrigger up, which starts it again.',
  Server: 'It is a PostgreSQL server of your own; who starts it again is yours to say.',
  Unknown: 'Who starts it again is not known here.',
} as const;

/** None where nothing is known of what stands above the site. */
function database(facts: ReadinessFacts): readonly Forecast[] {
  if (facts.control === undefined) return [];
  const kind = facts.control.database;
  return [
    {
      row: 'database',
      subject: '',
      failure: 'the database',
      verdict: 'Degraded',
      promised: true,
      effect:
        'As with the directors: nothing at the site stops, and writes are refused until it is back. Nothing that was acknowledged is lost.',
      because: WHO_RESTARTS[kind ?? 'Unknown'],
    },
  ];
}

/** None where the cluster has neither site nor license. */
function licenseSync(facts: ReadinessFacts): readonly Forecast[] {
  const { cluster } = facts;
  const license = cluster.status?.license;
  if (license === undefined) return [];
  const base = { row: 'license-sync', subject: license.name ?? '', failure: 'the sync of the license' } as const;
  const said = `${license.state}: ${license.message}`;
  if (license.refusesNewSessions === true)
    return [
      {
        ...base,
        verdict: 'Outage',
        promised: false,
        effect: 'New sessions are refused already; those that run go on.',
        because: said,
        remedy: 'outrigger license status says what to do.',
      },
    ];
  if (license.state === 'Active')
    return [{ ...base, verdict: 'NoEffect', promised: true, effect: `Nothing is refused.${licenseWords(facts)}`, because: said }];
  return [
    {
      ...base,
      verdict: 'Degraded',
      promised: true,
      effect: `Nothing is refused yet.${licenseWords(facts)}`,
      because: said,
      remedy: 'Let the site reach a director, or renew the contract: outrigger license status.',
    },
  ];
}

/** Until when new sessions are let in while nobody syncs; '' without a license. */
function licenseWords({ cluster, syncGraceDays }: ReadinessFacts): string {
  const license = cluster.status?.license;
  if (license === undefined || license.refusesNewSessions === true) return '';
  if (license.state !== 'Active') return license.daysLeft === undefined ? '' : ` New sessions are refused in ${days(license.daysLeft)}.`;
  const grace = syncGraceDays === undefined ? 'the days of its sync grace' : days(syncGraceDays);
  const ends = license.daysLeft === undefined ? '' : `; its contract ends in ${days(license.daysLeft)}`;
  return ` Its license holds for ${grace} after the sync that is due next${ends}.`;
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}

/** `40 s`, `12 min`, `3 h`, `8 days` */
function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
