/**
 * Changes of what runs: people who ask for other releases (good ones, one that never comes up, one that there is no way to), and cuts between nodes.
 */

import { BROKEN_RELEASE } from './change-releases.ts';
import type { Stage } from './script.ts';

/** Plans what is asked of one cluster. */
export function planChanges({ world, hosts, calmMs }: Stage, namespace: string, name: string): void {
  const dice = world.dice.fork(`changes of ${name}`);
  const ask = (spec: object): void => void world.store.mergePatch('person', 'clusters', namespace, name, { spec: { ...spec } });
  const at = (work: () => void): void => void world.scheduler.after(dice.between(150_000, 2_400_000), work);
  const ail = (): void => {
    const nowMs = world.scheduler.nowMs();
    const machines = world.machines.filter((one) => one.isAlive && one.cluster === name);
    if (machines.length > 0 && nowMs < calmMs)
      world.faults.ailingUntilMs.set(dice.pick(machines).agent.name, nowMs + dice.between(60_000, 200_000));
  };
  if (dice.chance(0.7))
    at(() => ask({ upgrade: { readySeconds: dice.pick([30, 60, 120]), whenNodeDown: dice.pick(['Wait', 'Proceed']) } }));
  for (let rounds = dice.between(0, 4); rounds > 0; rounds--) {
    at(() => {
      // Now and then the instance of one node has been down for a while.
      if (dice.chance(0.35)) ail();
      const release = dice.pick(['1.0.0', '1.0.1', '1.0.1', BROKEN_RELEASE, BROKEN_RELEASE, '2.0.0']);
      world.scheduler.after(dice.chance(0.6) ? 60_000 : 0, () => ask({ release }));
      // Now and then a second thought, in the midst of it.
      if (dice.chance(0.4)) world.scheduler.after(dice.between(1_000, 150_000), () => ask({ release: dice.pick(['1.0.0', '1.0.1']) }));
    });
  }
  for (let cuts = dice.between(0, 4); cuts > 0; cuts--) {
    world.scheduler.after(dice.between(60_000, calmMs), () => {
      const agents = hosts.flatMap((host) => [...host.machines.values()].map(({ agent }) => agent.name));
      if (agents.length > 0 && world.scheduler.nowMs() < calmMs)
        world.faults.lanCutUntilMs.set(dice.pick(agents), world.scheduler.nowMs() + dice.between(2_000, 60_000));
    });
  }
}
