/**
 * The title of the tab, which screen readers say first.
 */

import { useEffect } from 'react';

export function useTitle(page: string): void {
  useEffect(() => {
    document.title = `${page} · Outrigger`;
  }, [page]);
}
