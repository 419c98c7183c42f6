/**
 * The doctor on ServerConfigs: which one holds, and whether each extension server obeys it.
 *
 * I1: a server that says nothing of what it obeys is not found fault with: it is of an older version, and the doctor says so of versions elsewhere.
 */

import type { ServerConfig } from '../model/server-config.ts';
import { notice, well } from './doctor.ts';
import type { Finding } from './doctor.ts';
import { activeOnes, obeyed, OBEYS_DEFAULTS } from './server-config.ts';

const AREA = 'Extension servers';

/**
 * `configs` were read before the servers were looked at, and each of the servers in `obeys` has renewed its Lease since: by then it has had a renewal's time to
 * hear of them.
 */
export function judgeConfigs(configs: readonly ServerConfig[], obeys: ReadonlyMap<string, string>): readonly Finding[] {
  const holds = obeyed(configs);
  const active = activeOnes(configs).map(({ metadata }) => metadata.name);
  const several =
    active.length < 2
      ? []
      : [
          notice(
            AREA,
            `${active.length} ServerConfigs are active (${active.join(', ')}): ${active[0]} holds, because its name sorts first.`,
            'Set spec.active to false on the others: people take them for what holds.',
          ),
        ];
  const stray = [...obeys].filter(([, one]) => one !== holds);
  return [
    ...several,
    ...stray.map(([server, one]) =>
      notice(
        AREA,
        `${server} obeys ${wordOf(one)}, and ${wordOf(holds)} ${holds === OBEYS_DEFAULTS ? 'hold' : 'holds'}.`,
        'A change applies within seconds: look again. If that stays, it does not hear of changes: end it, it is started again.',
      ),
    ),
    ...(obeys.size > 0 && stray.length === 0 ? [well(AREA, `All obey ${wordOf(holds)}.`)] : []),
  ];
}

function wordOf(obeys: string): string {
  return obeys === OBEYS_DEFAULTS ? 'the defaults' : `ServerConfig ${obeys}`;
}
