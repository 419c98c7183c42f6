/**
 * The console's beginning: styles, theme, and the page.
 */

import '@patternfly/react-core/dist/styles/base.css';
import './console.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './shell/app.tsx';
import { startTheme } from './shell/theme.ts';

startTheme();
const queries = new QueryClient({ defaultOptions: { queries: { retry: 2, refetchOnWindowFocus: false }, mutations: { retry: false } } });
const root = document.getElementById('root');
if (root === null) throw new Error('The page has no #root.');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
