/**
 * The fields of the wizard, step by step. What is wrong with a field is what the API says of it.
 */

import { Alert, Checkbox, Form, FormSelect, FormSelectOption, NumberInput, TextInput } from '@patternfly/react-core';
import type { VirtualDataCenter } from '../../../src/model/virtual-data-center.ts';
import { Choice } from '../form/choice.tsx';
import { Field } from '../form/field.tsx';
import { QuotaBars } from '../organizations/quota-bars.tsx';
import { amountText, quotaLines } from '../organizations/quota.ts';
import { amountOf } from './draft.ts';
import type { Draft } from './draft.ts';
import type { Offers } from './use-offers.ts';

export interface StepProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  /** Undefined: nothing is wrong, or nobody asked yet. */
  readonly problem: (key: keyof Draft) => string | undefined;
  readonly offers: Offers;
}

const keepHere = (event: { preventDefault: () => void }): void => event.preventDefault();

export function WhereStep({ draft, change, problem, offers }: StepProps) {
  return (
    <Form onSubmit={keepHere}>
      <Field id="organization" label="Organization" isRequired problem={problem('organization')} hint="Whose cluster it is.">
        {(input) => (
          <Choice
            input={input}
            options={offers.organizations?.map((value) => ({ value }))}
            value={draft.organization}
            choose={(organization) => change({ organization, virtualDataCenter: '', site: '' })}
            none="Choose one"
          />
        )}
      </Field>
      <Field
        id="name"
        label="Name"
        isRequired
        problem={problem('name')}
        hint="Small letters, digits and dashes. It cannot be changed afterwards."
      >
        {(input) => (
          <TextInput {...input} value={draft.name} onChange={(_event, name) => change({ name })} autoComplete="off" spellCheck="false" />
        )}
      </Field>
      <Field
        id="virtual-data-center"
        label="VirtualDataCenter"
        isRequired
        problem={problem('virtualDataCenter')}
        hint="Whose capacity it takes. It cannot be changed afterwards."
      >
        {(input) => (
          <Choice
            input={input}
            options={offers.virtualDataCenters?.map(({ metadata }) => ({ value: metadata.name }))}
            value={draft.virtualDataCenter}
            choose={(virtualDataCenter) => change({ virtualDataCenter })}
            none="Choose one"
          />
        )}
      </Field>
      <Field id="release" label="Release" isRequired problem={problem('release')} hint="What it runs. It can be upgraded later.">
        {(input) => (
          <Choice
            input={input}
            options={offers.releases?.map(({ metadata, spec }) => ({
              value: metadata.name,
              label: `${metadata.name} (${spec.services.map(({ name }) => name).join(', ')})`,
            }))}
            value={draft.release}
            choose={(release) => change({ release })}
            none="Choose one"
          />
        )}
      </Field>
    </Form>
  );
}

export function SizeStep({ draft, change, problem, offers }: StepProps) {
  const home = offers.virtualDataCenters?.find(({ metadata }) => metadata.name === draft.virtualDataCenter);
  const workers = Number(draft.workers) || 0;
  return (
    <Form onSubmit={keepHere}>
      <Field
        id="workers"
        label="Workers besides the primary"
        problem={problem('workers')}
        hint={
          workers === 0
            ? 'A primary alone: nothing serves while its machine is down.'
            : 'They serve with the primary, and go on when it is down.'
        }
      >
        {(input) => (
          <NumberInput
            value={draft.workers === '' ? '' : workers}
            onMinus={() => change({ workers: String(Math.max(0, workers - 1)) })}
            onPlus={() => change({ workers: String(workers + 1) })}
            onChange={(event) => change({ workers: event.currentTarget.value })}
            inputProps={{ id: input.id, 'aria-describedby': input['aria-describedby'] }}
            inputAriaLabel="Workers besides the primary"
            minusBtnAriaLabel="One worker less"
            plusBtnAriaLabel="One worker more"
            validated={input.validated}
          />
        )}
      </Field>
      <Field id="cpu" label="CPU of each node, in thousandths" problem={problem('cpuMillis')} hint="1000 is one processor.">
        {(input) => (
          <TextInput {...input} inputMode="numeric" value={draft.cpuMillis} onChange={(_event, cpuMillis) => change({ cpuMillis })} />
        )}
      </Field>
      <Field id="memory" label="Memory of each node, in MiB" problem={problem('memoryMiB')}>
        {(input) => (
          <TextInput {...input} inputMode="numeric" value={draft.memoryMiB} onChange={(_event, memoryMiB) => change({ memoryMiB })} />
        )}
      </Field>
      {home !== undefined && <Room home={home} draft={draft} />}
    </Form>
  );
}

/** What is left of the quota, and whether this cluster fits in. */
function Room({ home, draft }: { readonly home: VirtualDataCenter; readonly draft: Draft }) {
  const { nodes, cpuMillis, memoryMiB } = amountOf(draft);
  const wanted = { Nodes: nodes, CPU: cpuMillis, Memory: memoryMiB, Seats: 0 };
  const short = quotaLines(home).filter(({ what, used, quota }) => used + wanted[what] > quota);
  const name = home.metadata.name;
  return (
    <section aria-label={`Quota of ${name}`} className="or-quota">
      <h3 className="or-subhead">Quota of {name}</h3>
      <QuotaBars virtualDataCenter={home} wanted={wanted} />
      {short.length > 0 && (
        <Alert component="p" isInline variant="warning" title={`${name} has no room for it`} className="or-above">
          {short.map(({ what, used, quota }) => `${what}: ${amountText(what, Math.max(0, quota - used))} left`).join(', ')}. It can be
          created, and waits until a cluster there goes or the quota is raised.
        </Alert>
      )}
    </section>
  );
}

export function BehaviorStep({ draft, change, problem, offers }: StepProps) {
  return (
    <Form onSubmit={keepHere}>
      <Field
        id="site"
        label="Site"
        problem={problem('site')}
        hint="The customer's location that it is paired with. It can be plugged in later."
      >
        {(input) => (
          <Choice
            input={input}
            options={offers.sites?.map(({ metadata, spec, status }) => ({
              value: metadata.name,
              label: `${metadata.name} (${spec.environment}${status?.cluster === undefined ? '' : `, taken by ${status.cluster.name}`})`,
            }))}
            value={draft.site}
            choose={(site) => change({ site })}
            none="None"
          />
        )}
      </Field>
      <FailoverField draft={draft} change={change} problem={problem} />
      <Field
        id="node-restart"
        label="Restart of nodes that hang"
        problem={problem('nodeRestart')}
        hint="How soon an agent that shows no life is restarted."
      >
        {(input) => (
          <Options
            input={input}
            values={['Off', 'Low', 'Medium', 'High']}
            value={draft.nodeRestart}
            choose={(nodeRestart) => change({ nodeRestart })}
          />
        )}
      </Field>
      <Field
        id="nodes"
        label="Nodes"
        problem={problem('nodes')}
        hint={
          draft.nodes === 'Joined'
            ? 'It waits until people run outrigger agent join on their machines.'
            : 'Hosts of the VirtualDataCenter make them.'
        }
      >
        {(input) => <Options input={input} values={['Provisioned', 'Joined']} value={draft.nodes} choose={(nodes) => change({ nodes })} />}
      </Field>
      <Checkbox
        id="auto-repair"
        label="Begin anew when its creation fails"
        description="Until it was available for the first time. After that nothing tears it down any more."
        isChecked={draft.autoRepair}
        onChange={(_event, autoRepair) => change({ autoRepair })}
      />
    </Form>
  );
}

function FailoverField({ draft, change, problem }: Omit<StepProps, 'offers'>) {
  return (
    <Field
      id="failover"
      label="Failover of singletons"
      problem={problem('failover')}
      hint={
        draft.failover === 'Witness'
          ? 'When the primary is lost, the worker takes its singletons over, with the director as witness. At most one worker.'
          : 'Singletons wait for the primary, or for a person.'
      }
    >
      {(input) => <Options input={input} values={['None', 'Witness']} value={draft.failover} choose={(failover) => change({ failover })} />}
    </Field>
  );
}

interface OptionsProps {
  readonly input: { readonly id: string; readonly validated: 'default' | 'error' };
  readonly values: readonly string[];
  readonly value: string;
  readonly choose: (value: string) => void;
}

function Options({ input, values, value, choose }: OptionsProps) {
  return (
    <FormSelect {...input} value={value} onChange={(_event, text) => choose(text)}>
      {values.map((one) => (
        <FormSelectOption key={one} value={one} label={one} />
      ))}
    </FormSelect>
  );
}
