/**
 * The conditions of a cluster, and its story, newest first.
 */

import { ExpandableSection, Grid, GridItem, Icon, List, ListItem } from '@patternfly/react-core';
import { CheckCircleIcon } from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import { ExclamationCircleIcon } from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { InfoCircleIcon } from '@patternfly/react-icons/dist/esm/icons/info-circle-icon';
import { useMemo } from 'react';
import type { ReactNode } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { dateTimeText } from '../shell/moment.ts';
import { Conditions } from './conditions.tsx';
import { Part } from './part.tsx';
import { storyOf } from './story.ts';
import type { StoryLine } from './story.ts';

const ICONS: Readonly<Record<StoryLine['kind'], ReactNode>> = {
  good: (
    <Icon status="success">
      <CheckCircleIcon />
    </Icon>
  ),
  bad: (
    <Icon status="danger">
      <ExclamationCircleIcon />
    </Icon>
  ),
  plain: (
    <Icon status="info">
      <InfoCircleIcon />
    </Icon>
  ),
};

export function StoryTab({ cluster }: { readonly cluster: Cluster }) {
  const story = useMemo(() => storyOf(cluster), [cluster]);
  return (
    <Grid hasGutter>
      <GridItem>
        <Part title="Conditions">
          <Conditions conditions={cluster.status?.conditions ?? []} />
        </Part>
      </GridItem>
      <GridItem>
        <Part title="Story">
          <StoryCard lines={story} />
        </Part>
      </GridItem>
    </Grid>
  );
}

function StoryCard({ lines }: { readonly lines: readonly StoryLine[] }) {
  return (
    <ol className="or-story">
      {lines.map((line) => (
        <li key={`${line.atMs} ${line.title} ${line.text}`}>
          <span aria-hidden="true">{ICONS[line.kind]}</span>
          <div>
            <strong>{line.title}</strong>{' '}
            <time className="or-quiet" dateTime={new Date(line.atMs).toISOString()}>
              {dateTimeText(line.atMs)}
            </time>
            <div className="or-break">{line.text}</div>
            {line.more.length > 0 && (
              <ExpandableSection toggleText={`What was done (${line.more.length})`} toggleAriaLabel={`What was done: ${line.title}`}>
                <List isPlain>
                  {line.more.map((sentence, index) => (
                    <ListItem key={`${index} ${sentence}`} className="or-break">
                      {sentence}
                    </ListItem>
                  ))}
                </List>
              </ExpandableSection>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}
