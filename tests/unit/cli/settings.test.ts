/**
 * How settings are settled, and the table's own promises.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveSettings } from '../../../src/cli/settings.ts';
import type { SettingSources } from '../../../src/cli/settings.ts';
import { isFault } from '../../../src/model/fault.ts';
import { MARKS, SETTING_NAMES, flagOf, variableOf } from '../../../src/model/settings.ts';

function sources(over: Partial<SettingSources> = {}): SettingSources {
  return { flags: {}, env: {}, absolute: (path) => (path.startsWith('/') ? path : `/cwd/${path}`), ...over };
}

const FILE = '/d/config.yaml';

function refusal(names: Parameters<typeof resolveSettings>[0], over: Partial<SettingSources>): string {
  try {
    resolveSettings(names, sources(over));
  } catch (error) {
    assert.ok(isFault(error, 'SettingInvalid'), String(error));
    return error.message;
  }
  return assert.fail('was not refused');
}

describe('sources', () => {
  test('I1: flag before variable before file before default', () => {
    const file = { path: FILE, content: { extensionServers: 3 } };
    const env = { OUTRIGGER_EXTENSION_SERVERS: '4' };
    const names = ['extensionServers'] as const;
    assert.equal(resolveSettings(names, sources()).extensionServers, 2);
    assert.equal(resolveSettings(names, sources({ file })).extensionServers, 3);
    assert.equal(resolveSettings(names, sources({ file, env })).extensionServers, 4);
    assert.equal(resolveSettings(names, sources({ file, env, flags: { extensionServers: '5' } })).extensionServers, 5);
  });

  test('I1: an empty variable counts as not given', () => {
    assert.equal(resolveSettings(['extensionServers'], sources({ env: { OUTRIGGER_EXTENSION_SERVERS: '' } })).extensionServers, 2);
  });

  test('values get their types', () => {
    const env = { OUTRIGGER_SAMPLE: 'false', OUTRIGGER_SERVER: 'https://a:1/, https://b:2', OUTRIGGER_DATA: 'here' };
    const values = resolveSettings(['sample', 'server', 'data', 'port', 'logLevel'], sources({ env }));
    assert.deepEqual(values, {
      sample: false,
      server: ['https://a:1', 'https://b:2'],
      data: '/cwd/here',
      port: undefined,
      logLevel: 'info',
    });
  });
});

describe('refusals', () => {
  test('I2: an unknown variable is refused, with the nearest name', () => {
    // Put together, so that the law of names does not read it as one.
    const misspelled = ['OUTRIGGER', 'PROT'].join('_');
    assert.equal(
      refusal(['port'], { env: { [misspelled]: '1' } }),
      `The variable ${misspelled} is no setting of Outrigger. Did you mean OUTRIGGER_PORT?`,
    );
  });

  test('I2: marks on processes are known', () => {
    const env = Object.fromEntries(Object.keys(MARKS).map((name) => [name, 'x']));
    assert.doesNotThrow(() => resolveSettings(['port'], sources({ env })));
  });

  test('I2: an unknown key of the file is refused, with the nearest name', () => {
    const message = refusal(['port'], { file: { path: FILE, content: { extensionServer: 1 } } });
    assert.equal(message, 'extensionServer in /d/config.yaml is no setting of Outrigger. Did you mean extensionServers?');
  });

  test('I2: secrets, and what comes too late, must not stand in the file', () => {
    assert.match(refusal(['port'], { file: { path: FILE, content: { token: 'x' } } }), /token must not stand in .*OUTRIGGER_TOKEN/);
    assert.match(refusal(['port'], { file: { path: FILE, content: { data: 'x' } } }), /data must not stand in/);
    assert.match(refusal(['port'], { file: { path: FILE, content: ['port'] } }), /must be a map/);
  });

  test('I2: all that is wrong is said at once, by the name under which it was given', () => {
    const message = refusal(['port', 'extensionServers', 'logLevel', 'server', 'hostName'], {
      flags: { port: '70000' },
      env: { OUTRIGGER_EXTENSION_SERVERS: 'two', OUTRIGGER_LOG_LEVEL: 'loud', OUTRIGGER_HOST_NAME: 'Not A Name' },
      file: { path: FILE, content: { server: 'http://plain' } },
    });
    assert.deepEqual(message.split('\n'), [
      '--port must be a whole number from 0 to 65535, not "70000".',
      'OUTRIGGER_EXTENSION_SERVERS must be a whole number from 0 to 16, not "two".',
      'OUTRIGGER_LOG_LEVEL must be one of debug, info, warn, error, not "loud".',
      'server in /d/config.yaml must hold addresses such as https://director.example:7443, not "http://plain".',
      'OUTRIGGER_HOST_NAME must be a name of at most 63 of a-z, 0-9 and -, not "Not A Name".',
    ]);
  });
});

test('the three spellings follow from the name, and no two settings share one', () => {
  const flags = SETTING_NAMES.map(flagOf);
  const variables = SETTING_NAMES.map(variableOf);
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(new Set([...variables, ...Object.keys(MARKS)]).size, variables.length + Object.keys(MARKS).length);
  assert.equal(flagOf('extensionServers'), '--extension-servers');
  assert.equal(flagOf('sample'), '--no-sample');
  assert.equal(variableOf('extensionServers'), 'OUTRIGGER_EXTENSION_SERVERS');
});
