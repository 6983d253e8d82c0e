/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
/* Listing as a program does it. All of it stands on kv_store_submit_listing(). */

#include "store/kv-store-list.h"

#include "store/kv-listing.h"

static void
answer_task (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_pointer (task, kv_page_ref (page), (GDestroyNotify) kv_page_unref);
}

static void
submit_task (GTask *task, const KvListQuery *query)
{
  if (g_task_return_error_if_cancelled (task))
    g_object_unref (task);
  else
    kv_store_submit_listing (g_task_get_source_object (task), query, answer_task, task);
}

static KvListQuery
make_query (const char *prefix,
            const char *delimiter,
            const char *cursor,
            guint limit,
            KvListContent content)
{
  return (KvListQuery){ prefix, -1, delimiter, -1, cursor, limit, content };
}

void
kv_store_list_async (KvStore *self,
                     const char *prefix,
                     const char *delimiter,
                     const char *cursor,
                     guint limit,
                     KvListContent content,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  const KvListQuery query = make_query (prefix, delimiter, cursor, limit, content);

  g_task_set_source_tag (task, kv_store_list_async);
  submit_task (task, &query);
}

KvPage *
kv_store_list_finish (KvStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
kv_store_count_prefix_async (KvStore *self,
                             const char *prefix,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  const KvListQuery query = make_query (prefix, NULL, NULL, 0, KV_LIST_COUNT);

  g_task_set_source_tag (task, kv_store_count_prefix_async);
  submit_task (task, &query);
}

gboolean
kv_store_count_prefix_finish (KvStore *self, GAsyncResult *result, guint64 *count, GError **error)
{
  g_autoptr (KvPage) page = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  page = g_task_propagate_pointer (G_TASK (result), error);
  *count = page != NULL ? kv_page_get_count (page) : 0;
  return page != NULL;
}

/* One who waits, whichever thread answers. */
typedef struct {
  GMutex lock;
  GCond answered;
  gboolean done;
  KvPage *page;  /* (owned) (nullable) */
  GError *error; /* (owned) (nullable) */
} Waiter;

static void
answer_waiter (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  Waiter *waiter = user_data;

  g_mutex_lock (&waiter->lock);
  waiter->page = page != NULL ? kv_page_ref (page) : NULL;
  waiter->error = error != NULL ? g_error_copy (error) : NULL;
  waiter->done = TRUE;
  g_cond_signal (&waiter->answered);
  g_mutex_unlock (&waiter->lock);
}

static KvPage *
submit_and_wait (KvStore *self, const KvListQuery *query, GError **error)
{
  Waiter waiter = { 0 };

  g_mutex_init (&waiter.lock);
  g_cond_init (&waiter.answered);
  kv_store_submit_listing_waiting (self, query, answer_waiter, &waiter);

  g_mutex_lock (&waiter.lock);
  while (!waiter.done)
    g_cond_wait (&waiter.answered, &waiter.lock);
  g_mutex_unlock (&waiter.lock);
  g_cond_clear (&waiter.answered);
  g_mutex_clear (&waiter.lock);

  if (waiter.error != NULL)
    g_propagate_error (error, waiter.error);
  return waiter.page;
}

KvPage *
kv_store_list (KvStore *self,
               const char *prefix,
               const char *delimiter,
               const char *cursor,
               guint limit,
               KvListContent content,
               GError **error)
{
  const KvListQuery query = make_query (prefix, delimiter, cursor, limit, content);

  return submit_and_wait (self, &query, error);
}

gboolean
kv_store_count_prefix (KvStore *self, const char *prefix, guint64 *count, GError **error)
{
  const KvListQuery query = make_query (prefix, NULL, NULL, 0, KV_LIST_COUNT);
  g_autoptr (KvPage) page = submit_and_wait (self, &query, error);

  *count = page != NULL ? kv_page_get_count (page) : 0;
  return page != NULL;
}
