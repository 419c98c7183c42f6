/**
 * What people read: faults, tables, times, clusters in a line.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeCluster, describeFleet, troubleOf } from '../../../src/cli/cluster-line.ts';
import { renderFault } from '../../../src/cli/render-fault.ts';
import { createScreen, renderSeconds } from '../../../src/cli/screen.ts';
import { renderAge, renderTable } from '../../../src/cli/table.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Terminal } from '../../../src/ports/terminal.ts';

describe('faults', () => {
  test('I1: a fault is its sentence and its exit code, without a stack', () => {
    const rendered = renderFault(new Fault('PortTaken', 'Port 1 is taken.\nChoose another.'));
    assert.deepEqual(rendered, { text: 'outrigger: Port 1 is taken.\noutrigger: Choose another.\n', exit: 1 });
    assert.equal(renderFault(new Fault('DirectorUnreachable', 'x')).exit, 4);
    assert.equal(renderFault(new Fault('DirectorRefused', 'x')).exit, 3);
    assert.equal(renderFault(new Fault('SettingInvalid', 'x')).exit, 2);
    assert.equal(renderFault(new Fault('DeadlineExceeded', 'x')).exit, 5);
  });

  test('I1: what the platform said is shown when the sentence does not hold it', () => {
    assert.match(renderFault(new Fault('DiskFull', 'The disk is full.', { cause: new Error('ENOSPC: no space') })).text, /because: ENOSPC/);
    assert.doesNotMatch(renderFault(new Fault('DiskFull', 'No: ENOSPC.', { cause: new Error('ENOSPC') })).text, /because/);
  });

  test('I1: anything else is a bug and shows where', () => {
    const rendered = renderFault(new TypeError('x is undefined'));
    assert.equal(rendered.exit, 1);
    assert.match(rendered.text, /promise of Outrigger's own code/);
    assert.match(rendered.text, /TypeError: x is undefined\n\s+at /);
  });
});

describe('tables and times', () => {
  test('columns are as wide as their widest cell, without trailing blanks', () => {
    assert.equal(
      renderTable(
        ['PART', 'PID'],
        [
          ['director', '7'],
          ['up', '1234'],
        ],
      ),
      'PART      PID\ndirector  7\nup        1234\n',
    );
  });

  test('ages and durations', () => {
    assert.deepEqual([0, 119_000, 120_000, 7_200_000, 200_000_000].map(renderAge), ['0s', '119s', '2m', '2h', '2d']);
    assert.deepEqual([-1, 940, 9_949, 9_951, 180_000].map(renderSeconds), ['0.0 s', '0.9 s', '9.9 s', '10 s', '3 min']);
  });
});

function recording(interactive: boolean): { readonly terminal: Terminal; readonly written: () => string } {
  let written = '';
  const terminal: Terminal = {
    interactive,
    color: interactive,
    columns: () => 20,
    write: (text) => void (written += text),
    writeError: () => undefined,
  };
  return { terminal, written: () => written };
}

describe('screen', () => {
  test('I1: without a terminal there are lines and nothing else', () => {
    const { terminal, written } = recording(false);
    const screen = createScreen(terminal);
    screen.status('working');
    screen.line(screen.paint('good', 'done'));
    screen.status('');
    assert.equal(written(), 'done\n');
  });

  test('I2: on a terminal the line in place is cut to its width, and stands below the others', () => {
    const { terminal, written } = recording(true);
    const screen = createScreen(terminal);
    screen.status('a line that is longer than the terminal');
    assert.equal(written(), 'a line that is long');
    screen.line('done');
    const erase = '\r\u001B[2K';
    assert.equal(written(), `a line that is long${erase}done\na line that is long`);
  });
});

describe('clusters in a line', () => {
  const cluster = (name: string, status: Cluster['status'], deleting = false): Cluster =>
    ({
      metadata: { name, namespace: 'demo', ...(deleting ? { deletionTimestamp: 'x' } : {}) },
      spec: { workers: 1 },
      status,
    }) as unknown as Cluster;
  const available = cluster('harbor', {
    phase: 'Available',
    primary: 'harbor-a1-n0',
    workers: 1,
    services: { ticker: { desired: 1, ready: 1 }, hello: { desired: 2, ready: 1 } },
  });

  test('one in full, many by phase', () => {
    assert.equal(describeCluster(available), 'Available, primary harbor-a1-n0, workers 1/1, hello 1/2, ticker 1/1');
    assert.equal(describeFleet([]), 'no clusters');
    assert.equal(describeFleet([cluster('x', undefined)]), 'demo/x Pending, workers 0/1');
    assert.equal(describeFleet([available, cluster('b', undefined), cluster('c', undefined)]), '3 clusters: 1 Available, 2 Pending');
    assert.match(describeCluster(cluster('x', { phase: 'Available' }, true)), /^Deleting/);
  });

  test('trouble is the newest error, else why it is not ready', () => {
    const error = { time: 't', reason: 'StepFailed', message: 'No host has room.' };
    assert.equal(troubleOf(cluster('x', { errorSet: [error] })), 'No host has room.');
    const ready = { type: 'Ready', status: 'False', reason: 'NoHost', message: 'Waits for a host.', lastTransitionTime: 't' } as const;
    assert.equal(troubleOf(cluster('x', { conditions: [ready] })), 'Waits for a host.');
    assert.equal(troubleOf(available), undefined);
  });
});
