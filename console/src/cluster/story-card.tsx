/**
 * The story of a cluster, newest first.
 */

import { ExpandableSection, Icon, List, ListItem } from '@patternfly/react-core';
import { CheckCircleIcon } from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import { ExclamationCircleIcon } from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { InfoCircleIcon } from '@patternfly/react-icons/dist/esm/icons/info-circle-icon';
import type { ReactNode } from 'react';
import { dateTimeText } from '../shell/moment.ts';
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

export function StoryCard({ lines }: { readonly lines: readonly StoryLine[] }) {
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
