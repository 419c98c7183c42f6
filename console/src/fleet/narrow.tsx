/**
 * Whoever may not see the clusters of all organizations names his own.
 */

import { Alert, Button, Form, FormGroup, InputGroup, InputGroupItem, TextInput } from '@patternfly/react-core';
import { useState } from 'react';
import type { FleetView } from './fleet-view.ts';

export interface NarrowProps {
  /** The API's refusal; undefined: what is named is shown. */
  readonly why: string | undefined;
  readonly view: FleetView;
  readonly change: (part: Partial<FleetView>) => void;
}

export function Narrow({ why, view, change }: NarrowProps) {
  const [organization, setOrganization] = useState(view.organization);
  return (
    <>
      {why !== undefined && (
        <Alert
          component="p"
          isInline
          variant={view.organization === '' ? 'info' : 'danger'}
          title={view.organization === '' ? 'Name your organization' : 'This organization cannot be shown'}
          className="or-gap"
        >
          {why}
        </Alert>
      )}
      <Form
        className="or-gap"
        onSubmit={(event) => {
          event.preventDefault();
          change({ organization: organization.trim() });
        }}
      >
        <FormGroup label="Organization" fieldId="organization">
          <InputGroup>
            <InputGroupItem>
              <TextInput id="organization" value={organization} onChange={(_event, value) => setOrganization(value)} />
            </InputGroupItem>
            <InputGroupItem>
              <Button type="submit" variant="secondary">
                Show
              </Button>
            </InputGroupItem>
          </InputGroup>
        </FormGroup>
      </Form>
    </>
  );
}
