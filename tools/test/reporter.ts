/**
 * The reporter that a test file runs with: one JSON line a finished test, so that the runner need not read text meant for people.
 *
 * node:test asks for a default export here; it is the one exception to the law against them.
 */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** One finished test. `path` leads from the outermost suite to the test. */
export interface TestLine {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly path: readonly string[];
  readonly line: number;
  /** The error as `util.inspect` prints it; only for a failure. */
  readonly error?: string;
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const event of events) {
    if (event.type === 'test:start') names.splice(event.data.nesting, Infinity, event.data.name);
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const path = [...names.slice(0, data.nesting), data.name];
    const line = data.line ?? 1;
    if (event.type === 'test:pass') {
      if (data.details.type === 'suite') continue;
      const left = data.skip !== undefined || data.todo !== undefined;
      yield `${JSON.stringify({ outcome: left ? 'skipped' : 'passed', path, line } satisfies TestLine)}\n`;
    } else {
      const { error } = event.data.details;
      // A suite or test that fails only because one inside of it did: that one has its own line.
      if ('failureType' in error && error.failureType === 'subtestsFailed') continue;
      yield `${JSON.stringify({ outcome: 'failed', path, line, error: inspect(error.cause ?? error) } satisfies TestLine)}\n`;
    }
  }
}
