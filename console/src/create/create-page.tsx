/**
 * Making a cluster, step by step. Each change is judged by the API itself; what is wrong stands beside its field, once the person was there.
 *
 * I1: what is created is what the YAML shows.
 */

import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  ExpandableSection,
  PageSection,
  Title,
  Wizard,
  WizardFooterWrapper,
  WizardStep,
} from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { useWhyNot } from '../api/access.ts';
import { listPath } from '../api/paths.ts';
import { carryOut, problemAt, useDryRun } from '../form/dry-run.ts';
import type { Verdict, Write } from '../form/dry-run.ts';
import { ContactBanner } from '../shell/contact-banner.tsx';
import { go, PlaceLink } from '../shell/navigation.tsx';
import { useTitle } from '../shell/title.ts';
import { EMPTY_DRAFT, FIELDS, manifestOf } from './draft.ts';
import type { Draft } from './draft.ts';
import { ReviewStep, YamlBlock } from './review.tsx';
import { BehaviorStep, SizeStep, WhereStep } from './steps.tsx';
import type { StepProps } from './steps.tsx';
import { useOffers } from './use-offers.ts';
import { WizardButtons } from './wizard-buttons.tsx';

const STEPS = [
  { id: 'where', name: 'What and where', Fields: WhereStep, keys: ['organization', 'name', 'virtualDataCenter', 'release'] },
  { id: 'size', name: 'Size', Fields: SizeStep, keys: ['workers', 'cpuMillis', 'memoryMiB'] },
  { id: 'behavior', name: 'Site and failures', Fields: BehaviorStep, keys: ['site', 'failover', 'nodeRestart', 'nodes', 'autoRepair'] },
] as const satisfies readonly { id: string; name: string; Fields: (props: StepProps) => ReactNode; keys: readonly (keyof Draft)[] }[];

export function CreatePage() {
  useTitle('Create a cluster');
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [seen, setSeen] = useState<ReadonlySet<keyof Draft>>(new Set());
  const [isYamlOpen, setYamlOpen] = useState(false);
  const offers = useOffers(draft.organization);
  const manifest = useMemo(() => manifestOf(draft), [draft]);
  const write: Write = {
    method: 'POST',
    path: listPath('clusters', draft.organization === '' ? 'none' : draft.organization),
    body: manifest,
  };
  const verdict = useDryRun(write);
  const mayNot = useWhyNot({ verb: 'create', resource: 'clusters', namespace: draft.organization, name: '' });
  const creation = useMutation({
    mutationFn: () => carryOut(write),
    // Its story tells the creation as it goes.
    onSuccess: () => go({ page: 'cluster', namespace: draft.organization, name: draft.name }, 'tab=story'),
  });
  const look = (keys: readonly (keyof Draft)[]): void => setSeen((before) => new Set([...before, ...keys]));
  const change = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    look(Object.keys(part) as (keyof Draft)[]);
    creation.reset();
  };
  const all = (key: keyof Draft): string | undefined => saidOf(key, draft, verdict, mayNot);
  const step: StepProps = { draft, change, offers, problem: (key) => (seen.has(key) ? all(key) : undefined) };
  return (
    <>
      <ContactBanner contact={offers.contact} />
      <Heading />
      <PageSection isFilled type="wizard" className="or-wizard">
        <Wizard
          navAriaLabel="Steps"
          onStepChange={(_event, _current, before) => look(STEPS.find(({ id }) => id === before.id)?.keys ?? [])}
          footer={
            <WizardFooterWrapper>
              <WizardButtons create={() => creation.mutate()} isCreating={creation.isPending} whyNot={whyNotYet(verdict, draft, mayNot)} />
            </WizardFooterWrapper>
          }
        >
          {STEPS.map(({ id, name, Fields, keys }) => (
            <WizardStep key={id} id={id} name={name} status={keys.some((key) => step.problem(key) !== undefined) ? 'error' : 'default'}>
              <Title headingLevel="h2" className="or-gap">
                {name}
              </Title>
              <Elsewhere verdict={verdict} isTouched={seen.size > 0} />
              <Fields {...step} />
              <Yaml manifest={manifest} isOpen={isYamlOpen} toggle={setYamlOpen} />
            </WizardStep>
          ))}
          <WizardStep id="review" name="Review">
            <ReviewStep draft={draft} manifest={manifest} verdict={verdict} problem={all} failure={creation.error} />
          </WizardStep>
        </Wizard>
      </PageSection>
    </>
  );
}

interface YamlProps {
  readonly manifest: object;
  readonly isOpen: boolean;
  readonly toggle: (isOpen: boolean) => void;
}

function Yaml({ manifest, isOpen, toggle }: YamlProps) {
  return (
    <ExpandableSection
      toggleText="YAML of what will be created"
      isExpanded={isOpen}
      onToggle={(_event, next) => toggle(next)}
      className="or-above"
    >
      <YamlBlock manifest={manifest} />
    </ExpandableSection>
  );
}

function Heading() {
  return (
    <PageSection variant="secondary">
      <Breadcrumb aria-label="Breadcrumb">
        <BreadcrumbItem>
          <PlaceLink place={{ page: 'fleet' }}>Fleet</PlaceLink>
        </BreadcrumbItem>
        <BreadcrumbItem isActive>Create a cluster</BreadcrumbItem>
      </Breadcrumb>
      <Title headingLevel="h1" className="or-above">
        Create a cluster
      </Title>
    </PageSection>
  );
}

/** The organization is not there. */
const NOT_FOUND = 404;

/** A refusal that is about no field of this form stands above all of them. */
function Elsewhere({ verdict, isTouched }: { readonly verdict: Verdict; readonly isTouched: boolean }) {
  if (verdict.state === 'unknown')
    return (
      <Alert component="p" isInline variant="info" title="It is not checked now" className="or-gap">
        {verdict.message}
      </Alert>
    );
  const known = Object.values(FIELDS);
  const isOurs = verdict.problems.length > 0 && verdict.problems.every(({ field }) => known.includes(field));
  if (verdict.state !== 'refused' || isOurs || !isTouched || verdict.status === NOT_FOUND) return null;
  return (
    <Alert component="p" isInline variant="danger" title="The API would refuse it" className="or-gap">
      {verdict.message}
    </Alert>
  );
}

function saidOf(key: keyof Draft, draft: Draft, verdict: Verdict, mayNot: string | undefined): string | undefined {
  if (key === 'organization') {
    if (draft.organization === '') return 'Say whose cluster it is.';
    if (mayNot !== undefined) return mayNot;
    if (verdict.status === NOT_FOUND) return verdict.message;
  }
  return problemAt(verdict.problems, FIELDS[key]);
}

function whyNotYet(verdict: Verdict, draft: Draft, mayNot: string | undefined): string | undefined {
  if (draft.organization === '') return 'Say whose cluster it is: choose its organization.';
  if (mayNot !== undefined) return mayNot;
  if (verdict.state === 'accepted') return undefined;
  return verdict.state === 'checking' ? 'The API is being asked whether it takes it.' : verdict.message;
}
