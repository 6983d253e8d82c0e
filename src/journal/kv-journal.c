/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/kv-journal.h"

G_DEFINE_INTERFACE (KvJournal, kv_journal, G_TYPE_OBJECT)

static void
kv_journal_default_init (KvJournalInterface *interface)
{
}

void
kv_journal_open_async (KvJournal *self,
                       KvStore *store,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  KV_JOURNAL_GET_IFACE (self)->open_async (self, store, cancellable, callback, user_data);
}

gboolean
kv_journal_open_finish (KvJournal *self, GAsyncResult *result, GError **error)
{
  return KV_JOURNAL_GET_IFACE (self)->open_finish (self, result, error);
}

void
kv_journal_close_async (KvJournal *self, GAsyncReadyCallback callback, gpointer user_data)
{
  KV_JOURNAL_GET_IFACE (self)->close_async (self, callback, user_data);
}

gboolean
kv_journal_close_finish (KvJournal *self, GAsyncResult *result, GError **error)
{
  return KV_JOURNAL_GET_IFACE (self)->close_finish (self, result, error);
}

void
kv_journal_get_status (KvJournal *self, KvJournalStatus *status)
{
  KV_JOURNAL_GET_IFACE (self)->get_status (self, status);
}

const char *
kv_journal_get_location (KvJournal *self)
{
  return KV_JOURNAL_GET_IFACE (self)->get_location (self);
}
