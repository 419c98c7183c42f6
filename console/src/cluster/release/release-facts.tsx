/**
 * What a cluster runs and what it is asked to run; how far a change is, and what was taken back.
 */

import { Alert, DescriptionList, Progress } from '@patternfly/react-core';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { conditionOf } from '../../../../src/model/condition.ts';
import { dateTimeText } from '../../shell/moment.ts';
import { Fact } from '../fact.tsx';
import { countOf } from './releases.ts';

export function ReleaseFacts({ cluster: { spec, status = {} } }: { readonly cluster: Cluster }) {
  const { current, progress, rolledBack } = status.release ?? {};
  const progressing = conditionOf(status.conditions, 'Progressing');
  const isChanged = progressing?.status === 'True' && status.availableAt !== undefined;
  const count = countOf(progress);
  return (
    <>
      {isChanged && <Alert component="p" isInline isPlain variant="info" title={progressing.message} className="or-gap" />}
      {progress !== undefined && count !== undefined && (
        <Progress
          value={count.done}
          max={count.all}
          label={`${count.done} of ${count.all}`}
          title={progress}
          aria-label="Nodes that have taken the change"
          className="or-gap"
        />
      )}
      {rolledBack !== undefined && (
        <Alert component="p" isInline variant="warning" title={`${rolledBack.release} was taken back`} className="or-gap">
          {rolledBack.message} ({dateTimeText(Date.parse(rolledBack.time))})
        </Alert>
      )}
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '16ch' }}>
        <Fact term="Runs">{current ?? 'Nothing yet'}</Fact>
        <Fact term="Asked for">{spec.release}</Fact>
        {progress !== undefined && count === undefined && <Fact term="Progress">{progress}</Fact>}
        <Fact term="Failover">{spec.availability?.failover ?? 'None'}</Fact>
        <Fact term="Workers">{`${status.workers ?? 0} ready of ${spec.workers}`}</Fact>
        <Fact term="Site">{spec.site ?? 'None'}</Fact>
        <Fact term="Available since">{status.availableAt === undefined ? 'Not yet' : dateTimeText(Date.parse(status.availableAt))}</Fact>
      </DescriptionList>
    </>
  );
}
