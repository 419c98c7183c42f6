/**
 * Log-in: by the one-time link (nothing to do), by its code, or by the token of a ServiceAccount.
 */

import {
  ActionGroup,
  Alert,
  Button,
  Card,
  CardBody,
  CardTitle,
  ClipboardCopy,
  Content,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { CONSOLE_SESSION_PATH, parseLinkCode } from '../../../src/model/console-session.ts';
import { SELF_REVIEW_PATH } from '../api/paths.ts';
import { call } from '../api/request.ts';
import { beginSession, takeLinkCode, useSession } from '../api/session.ts';
import type { Session } from '../api/session.ts';
import { useTitle } from './title.ts';

interface SelfReview {
  readonly status: { readonly userInfo: { readonly username: string } };
}

/** A link, its code, or a token. */
async function enter(text: string): Promise<Session> {
  const code = text.trim().replace(/^.*#code=/, '');
  if (parseLinkCode(code) !== undefined) return await call<Session>('POST', CONSOLE_SESSION_PATH, { body: { code } });
  const token = text.trim();
  const review = await call<SelfReview>('POST', SELF_REVIEW_PATH, {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    token,
  });
  return { token, user: review.status.userInfo.username };
}

/** Taken before the first drawing, so that drawing twice does not spend it twice. */
let linkCode = takeLinkCode();

/** Enters by the link in the address, also when one is opened in this tab: then only what stands behind the # changes. */
function useLinkInAddress(open: (code: string) => void): void {
  useEffect(() => {
    const take = (): void => {
      linkCode ??= takeLinkCode();
      if (linkCode === undefined) return;
      const code = linkCode;
      linkCode = undefined;
      open(code);
    };
    take();
    window.addEventListener('hashchange', take);
    return () => window.removeEventListener('hashchange', take);
  }, [open]);
}

export function LogIn() {
  const { ended } = useSession();
  const { mutate, isPending, error } = useMutation({ mutationFn: enter, onSuccess: beginSession });
  useTitle('Log in');
  useLinkInAddress(mutate);
  return (
    <main className="or-log-in">
      <Card isLarge>
        <CardTitle component="h1">
          <span className="or-brand">
            <img src="/console/outrigger.svg" alt="" width="32" height="32" />
            Log in to Outrigger
          </span>
        </CardTitle>
        <CardBody>
          {ended !== undefined && error === null && <Alert component="p" isInline variant="info" title={ended} className="or-gap" />}
          {error !== null && (
            <Alert component="p" isInline variant="danger" title="You were not let in" className="or-gap">
              {error.message}
            </Alert>
          )}
          <CredentialForm submit={mutate} isPending={isPending} />
          <Content component="p" className="or-above">
            Whoever runs the control plane makes a link with
          </Content>
          <ClipboardCopy isReadOnly isCode hoverTip="Copy" clickTip="Copied" textAriaLabel="Command that makes a link">
            outrigger console link
          </ClipboardCopy>
        </CardBody>
      </Card>
    </main>
  );
}

function CredentialForm({ submit, isPending }: { readonly submit: (text: string) => void; readonly isPending: boolean }) {
  const [text, setText] = useState('');
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') submit(text);
      }}
    >
      <FormGroup label="One-time link, or token" fieldId="credential">
        <TextInput
          id="credential"
          type="password"
          autoComplete="off"
          value={text}
          onChange={(_event, value) => setText(value)}
          aria-describedby="credential-help"
        />
        <FormHelperText>
          <HelperText id="credential-help">
            <HelperTextItem>
              A link lets in once, within ten minutes. A token of a ServiceAccount gives that account's rights.
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <ActionGroup>
        <Button type="submit" variant="primary" isLoading={isPending} isDisabled={isPending || text.trim() === ''}>
          Log in
        </Button>
      </ActionGroup>
    </Form>
  );
}
