/**
 * A site of a few nodes in a test's memory, for the machine of changes: it makes plans, hands them on, and replaces pods, one step at a time.
 */
import { nextChange } from '../../../src/decide/change.ts';
import type { ChangeStep } from '../../../src/decide/change.ts';
import { NO_CHANGE_CLOCK, storedClock } from '../../../src/decide/change-clock.ts';
import { lastOf, membersOf } from '../../../src/decide/change-nodes.ts';
import { comparePlans, contentFor, contentOf, keyText, replacedServices } from '../../../src/decide/cluster-plan.ts';
import type { ClusterPlan, Content } from '../../../src/decide/cluster-plan.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Service } from '../../../src/model/pod.ts';
import { node, release, service, T0, UID } from './fixtures.ts';

/** A release of hello (replicated) and ticker (singleton), each new in every version. */
export function contentOfVersion(version: string, upgradesFrom: string[] = [], services: Service[] = servicesOfVersion(version)): Content {
  const made = release(services);
  return contentOf(
    { services: [] },
    { ...made, metadata: { ...made.metadata, name: version }, spec: { ...made.spec, version, upgradesFrom } },
  );
}

export function servicesOfVersion(version: string): Service[] {
  return [service('hello', { port: 8080 }), service('ticker', { mode: 'Singleton' })].map((one) => ({
    ...one,
    pod: { ...one.pod, containers: [{ ...one.pod.containers[0]!, args: [version] }] },
  }));
}

export interface SiteNode {
  readonly index: number;
  /** As it stands on its disk. */
  plan: ClusterPlan | undefined;
  content: Content;
  ready: Set<string>;
  isHeard: boolean;
  /** What it said last and was heard. */
  word: ClusterNode;
}

export class Site {
  readonly nodes: SiteNode[];
  clock = NO_CHANGE_CLOCK;
  nowMs = 0;
  generation = 1;
  asked: Content | undefined;
  whenNodeDown: 'Wait' | 'Proceed' = 'Wait';
  wasAvailable = true;
  last: ChangeStep | undefined;
  /**
   * Nodes that were not heard at some time since they were given their turn. It cannot be taken back from them, so Proceed passes them over and they may
   * carry it out late, beside others (I2), also when they are heard again just before.
   */
  readonly away = new Set<SiteNode>();
  /** Hashes of contents of which hello never gets ready. */
  readonly broken = new Set<string>();

  constructor(workers: number, content: Content) {
    this.asked = content;
    this.nodes = Array.from({ length: workers + 1 }, (_, index) => ({
      index,
      plan: undefined,
      content,
      ready: new Set(index === 0 ? ['hello', 'ticker'] : ['hello']),
      isHeard: true,
      word: node(index),
    }));
    for (const one of this.nodes) this.speak(one);
  }

  get primary(): SiteNode {
    return this.nodes[0]!;
  }

  get plan(): ClusterPlan | undefined {
    return this.primary.plan;
  }

  ask(content: Content | undefined): void {
    this.generation++;
    this.asked = content;
  }

  /** The primary's agent looks once. */
  think(): ChangeStep {
    this.speak(this.primary);
    const { primary, whenNodeDown } = this;
    const step = nextChange({
      plan: primary.plan,
      clusterUid: UID,
      term: 1,
      asked: this.asked && { generation: this.generation, content: this.asked, upgrade: { readySeconds: 60, whenNodeDown } },
      wasAvailable: this.wasAvailable,
      nodes: this.nodes.map((one) => one.word),
      unheard: this.unheard(primary),
      clock: this.clock,
      monotonicMs: this.nowMs,
      nowMs: T0 + this.nowMs,
    });
    const given = new Set(primary.plan?.moved);
    this.clock = step.clock;
    primary.plan = step.plan;
    for (const one of this.nodes)
      if (one.isHeard && step.plan?.moved.includes(one.word.metadata.uid) === true && !given.has(one.word.metadata.uid))
        this.away.delete(one);
    this.last = step;
    return step;
  }

  unheard(by: SiteNode): ReadonlySet<string> {
    return new Set(this.nodes.filter((one) => one !== by && (!one.isHeard || !by.isHeard)).map((one) => one.word.metadata.name));
  }

  /** The agent of the primary dies and comes back. */
  crash(): void {
    this.clock = storedClock(this.clock);
    this.nowMs += 1_000;
  }

  fetch(one: SiteNode): void {
    if (!one.isHeard || one === this.primary || comparePlans(this.plan, one.plan) <= 0) return;
    one.plan = this.plan;
  }

  /** Turns to what it should run, when it may. True: it replaced something. */
  take(one: SiteNode): boolean {
    const next = one.plan === undefined ? undefined : contentFor(one.plan, one.word.metadata.uid, one.content.hash);
    if (next === undefined || next.hash === one.content.hash) return false;
    const replaced = replacedServices(one.content, next).map(({ name }) => name);
    const lost = replaced.filter((name) => name !== 'ticker' && one.ready.has(name));
    const others = membersOf(this.nodes.map((other) => other.word)).filter((other) => other !== one.word);
    if (lastOf({ self: one.word.metadata.name, plan: one.plan, lost, others, unheard: this.unheard(one) }) !== undefined) return false;
    for (const name of replaced) one.ready.delete(name);
    one.content = next;
    return true;
  }

  /** It is heard no more, or again. */
  toggleHearing(one: SiteNode): void {
    one.isHeard = !one.isHeard;
    if (!one.isHeard) this.away.add(one);
  }

  settle(one: SiteNode): void {
    if (!this.broken.has(one.content.hash)) one.ready = new Set(one.index === 0 ? ['hello', 'ticker'] : ['hello']);
  }

  /** Its word reaches the primary. */
  speak(one: SiteNode): void {
    if (!one.isHeard) return;
    const services = Object.fromEntries(
      (one.index === 0 ? ['hello', 'ticker'] : ['hello']).map((name) => {
        const ready = one.ready.has(name);
        return [
          name,
          { phase: ready ? ('Running' as const) : ('BackOff' as const), ready, ...(ready ? {} : { message: 'exited with 1' }) },
        ];
      }),
    );
    const agent = {
      incarnation: 1,
      phase: 'Ready' as const,
      release: one.content.release,
      ...(one.plan === undefined ? {} : { plan: keyText(one.plan) }),
      content: one.content.hash,
      services,
    };
    one.word = node(one.index, { status: { role: one.index === 0 ? 'Primary' : 'Worker', agent } });
  }

  /** Everything goes on for `seconds`. */
  run(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += 1_000;
      this.think();
      for (const one of this.nodes) {
        this.fetch(one);
        if (this.take(one)) this.speak(one);
        else this.settle(one);
        this.speak(one);
      }
    }
  }

  running(): string[] {
    return this.nodes.map((one) => one.content.release);
  }
}
