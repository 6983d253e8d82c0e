/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-store-figures.h"

#include "store/kv-keeping.h"
#include "store/kv-spin.h"
#include "store/kv-watch-hub.h"

/* Under the commit lock. */
static void
describe_keeping (KvStore *self, KvStoreFigures *figures)
{
  KvHeldChanges held;

  kv_change_log_get_held (self->log, &held);
  figures->is_kept = TRUE;
  figures->is_strict = self->keeping->pending != NULL;
  figures->held_changes = held.end - held.first;
  figures->held_bytes = held.bytes;
  figures->is_writable = kv_keeping_check_writable (self, NULL);
}

void
kv_store_get_figures (KvStore *self, KvStoreFigures *figures)
{
  *figures = (KvStoreFigures){ .is_writable = TRUE };
  kv_store_lock (self);
  kv_store_describe (self, self->keys, &figures->status);
  figures->bytes = self->bytes;
  kv_change_log_get_extent (self->log, &figures->log);
  if (self->keeping != NULL)
    describe_keeping (self, figures);
  g_mutex_unlock (&self->commit_lock);
  figures->lag = kv_watch_hub_find_lag (self);
}

gboolean
kv_store_check_writable (KvStore *self, GError **error)
{
  gboolean writable;

  kv_store_lock (self);
  writable = self->keeping == NULL || kv_keeping_check_writable (self, error);
  g_mutex_unlock (&self->commit_lock);
  return writable;
}
