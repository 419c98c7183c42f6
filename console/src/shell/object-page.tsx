/**
 * A page about one object: where it stands in the console, its name and state, what can be done to it, and what is said when it is not there.
 */

import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  Card,
  CardBody,
  CardTitle,
  EmptyState,
  EmptyStateBody,
  Flex,
  FlexItem,
  PageSection,
  Title,
} from '@patternfly/react-core';
import type { ReactNode } from 'react';
import type { Contact, LiveSet } from '../watch/live-set.ts';
import { ContactBanner } from './contact-banner.tsx';
import { PlaceLink } from './navigation.tsx';
import type { PlainPage } from './place.ts';
import { useTitle } from './title.ts';
import { Waiting } from './waiting.tsx';

export interface ObjectPageProps {
  /** The list that it stands in. */
  readonly above: { readonly page: PlainPage; readonly label: string };
  /** 'host'. */
  readonly what: string;
  readonly name: string;
  /** Undefined: it belongs to none. */
  readonly organization?: string;
  readonly live: Pick<LiveSet<unknown>, 'contact' | 'complete'>;
  readonly isThere: boolean;
  /** A word or two beside the name. */
  readonly state?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function ObjectPage({ above, what, name, organization, live, isThere, state, actions, children }: ObjectPageProps) {
  useTitle(organization === undefined ? name : `${organization}/${name}`);
  return (
    <>
      <ContactBanner contact={live.contact} />
      <PageSection variant="secondary">
        <Breadcrumb aria-label="Breadcrumb">
          <BreadcrumbItem>
            <PlaceLink place={{ page: above.page }}>{above.label}</PlaceLink>
          </BreadcrumbItem>
          <BreadcrumbItem isActive>{name}</BreadcrumbItem>
        </Breadcrumb>
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }} className="or-above">
          <FlexItem>
            <Title headingLevel="h1">
              <span className="or-break">{name}</span> {isThere && state}
            </Title>
            {organization !== undefined && <span className="or-quiet">in {organization}</span>}
          </FlexItem>
          {isThere && actions !== undefined && <FlexItem>{actions}</FlexItem>}
        </Flex>
      </PageSection>
      <PageSection isFilled>
        {isThere ? children : <NotThere contact={live.contact} complete={live.complete} what={what} name={name} above={above} />}
      </PageSection>
    </>
  );
}

interface NotThereProps extends Pick<ObjectPageProps, 'what' | 'name' | 'above'> {
  readonly contact: Contact;
  readonly complete: boolean;
}

function NotThere({ contact, complete, what, name, above }: NotThereProps) {
  if (contact.state === 'refused')
    return (
      <Alert component="p" isInline variant="danger" title={`This ${what} cannot be shown`}>
        {contact.why}
      </Alert>
    );
  if (!complete) return <Waiting what={`the ${what}`} />;
  return (
    <EmptyState titleText={`There is no ${what} ${name}`} headingLevel="h2">
      <EmptyStateBody>
        It was deleted, or never was. <PlaceLink place={{ page: above.page }}>Back to {above.label.toLowerCase()}</PlaceLink>
      </EmptyStateBody>
    </EmptyState>
  );
}

export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>{children}</CardBody>
    </Card>
  );
}
