/**
 * Whoever may not see the objects of all organizations names his own.
 */

import { Alert, Button, Form, FormGroup, InputGroup, InputGroupItem, TextInput } from '@patternfly/react-core';
import { useState } from 'react';

export interface NarrowProps {
  /** The API's refusal; undefined: what is named is shown. */
  readonly why: string | undefined;
  /** '': none yet. */
  readonly organization: string;
  readonly choose: (organization: string) => void;
}

export function Narrow({ why, organization, choose }: NarrowProps) {
  const [typed, setTyped] = useState(organization);
  return (
    <>
      {why !== undefined && (
        <Alert
          component="p"
          isInline
          variant={organization === '' ? 'info' : 'danger'}
          title={organization === '' ? 'Name your organization' : 'This organization cannot be shown'}
          className="or-gap"
        >
          {why}
        </Alert>
      )}
      <Form
        className="or-gap"
        onSubmit={(event) => {
          event.preventDefault();
          choose(typed.trim());
        }}
      >
        <FormGroup label="Organization" fieldId="organization">
          <InputGroup>
            <InputGroupItem>
              <TextInput id="organization" value={typed} onChange={(_event, value) => setTyped(value)} />
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
