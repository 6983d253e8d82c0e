/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-listing.h"

#include "core/kv-cursor.h"
#include "core/kv-entry-private.h"
#include "core/kv-error-details.h"
#include "store/kv-keeping.h"
#include "store/kv-key-iter.h"
#include "store/kv-page-private.h"
#include "store/kv-spin.h"
#include "store/kv-store-index.h"

#include <string.h>

/* How many expired entries are removed before writers get their turn. */
#define EXPIRE_AT_A_TIME 64

/* How many keys that have expired, and cannot be removed now, are passed over before a page ends with what it has. */
#define PASS_OVER 1000

/* A query that has been checked, with texts of its own. */
typedef struct {
  char prefix[KV_KEY_MAX_BYTES];
  gsize prefix_length;
  char delimiter[KV_LIST_MAX_DELIMITER_BYTES];
  gsize delimiter_length; /* 0: none */
  KvCursor from;          /* where to go on, when it has a length */
  guint limit;
  KvListContent content;
  KvListFunc func;
  gpointer user_data;
} Request;

/* A page in the making, under the commit lock. */
typedef struct {
  KvStore *store;
  const Request *request;
  KvPage *page;
  KvKeyIter iter;
  gboolean there;  /* whether the iterator stands at a key of the listing */
  gint64 now;      /* what has expired by then is not listed */
  gboolean checks; /* whether there may be any of it */
  guint passed;    /* how many of those were met */
  gsize bytes;     /* of values */
  KvCursor reached;
} Reading;

static KvCursorScope
get_scope (const Request *request)
{
  return (KvCursorScope){ request->prefix, request->prefix_length, request->delimiter,
                          request->delimiter_length };
}

/* Whether the iterator has not left the prefix. */
static gboolean
is_below_prefix (const Reading *reading, gboolean there)
{
  const Request *request = reading->request;

  return there && reading->iter.length >= request->prefix_length
         && memcmp (reading->iter.key, request->prefix, request->prefix_length) == 0;
}

static void
seek (Reading *reading, const char *text, gsize length)
{
  const KvKeyIndex *keys = kv_store_index_get (reading->store);

  reading->there = is_below_prefix (reading, kv_key_iter_seek (&reading->iter, keys, text, length));
}

static void
step (Reading *reading)
{
  reading->there = is_below_prefix (reading, kv_key_iter_next (&reading->iter));
}

/* Makes of a text that has at least a byte the first one that is behind everything which begins with it. UTF-8 has no byte
 * that could overflow. */
static void
make_end (const char *text, gsize length, char end[KV_KEY_MAX_BYTES])
{
  memcpy (end, text, length);
  end[length - 1]++;
}

static void
seek_past (Reading *reading, const char *folder, gsize length)
{
  char end[KV_KEY_MAX_BYTES];

  make_end (folder, length, end);
  seek (reading, end, length);
}

static void
seek_start (Reading *reading)
{
  const Request *request = reading->request;
  const KvCursor *from = &request->from;

  if (from->length == 0)
    seek (reading, request->prefix, request->prefix_length);
  else if (from->past_folder)
    seek_past (reading, from->text, from->length);
  else
    {
      seek (reading, from->text, from->length);
      if (reading->there && reading->iter.length == from->length
          && memcmp (reading->iter.key, from->text, from->length) == 0)
        step (reading);
    }
}

static void
reach (Reading *reading, gsize length, gboolean past_folder)
{
  memcpy (reading->reached.text, reading->iter.key, length);
  reading->reached.length = length;
  reading->reached.past_folder = past_folder;
}

/* Returns: the bytes of the folder in which the key is, 0 if it is in none */
static gsize
measure_folder (const Reading *reading)
{
  const Request *request = reading->request;
  const KvKeyIter *iter = &reading->iter;
  const char *found;

  if (request->delimiter_length == 0)
    return 0;
  found = memmem (iter->key + request->prefix_length, iter->length - request->prefix_length,
                  request->delimiter, request->delimiter_length);
  return found != NULL ? (gsize) (found - iter->key) + request->delimiter_length : 0;
}

static void
add_item (Reading *reading, KvEntry *entry)
{
  const KvKeyIter *iter = &reading->iter;
  gsize folder = measure_folder (reading);

  reach (reading, folder > 0 ? folder : iter->length, folder > 0);
  if (folder > 0)
    {
      kv_page_add_name (reading->page, iter->key, folder, TRUE);
      seek_past (reading, reading->reached.text, folder);
      return;
    }

  if (reading->request->content == KV_LIST_KEYS)
    kv_page_add_name (reading->page, iter->key, iter->length, FALSE);
  else
    {
      entry =
        entry != NULL ? entry : kv_table_peek_key (&reading->store->table, iter->key, iter->length);
      reading->bytes += entry->value_length;
      kv_page_add_entry (reading->page, entry);
    }
  step (reading);
}

/* Looks at the key at which the iterator stands, and goes on. */
static void
take_key (Reading *reading)
{
  KvEntry *entry = NULL;

  if (G_UNLIKELY (reading->checks))
    {
      entry = kv_table_peek_key (&reading->store->table, reading->iter.key, reading->iter.length);
      if (entry->deadline <= reading->now)
        {
          reading->passed++;
          reach (reading, reading->iter.length, FALSE);
          step (reading);
          return;
        }
    }
  add_item (reading, entry);
}

static gboolean
is_full (const Reading *reading)
{
  const Request *request = reading->request;

  return reading->page->length >= request->limit || reading->passed >= PASS_OVER
         || (request->content == KV_LIST_VALUES && reading->bytes >= KV_LIST_MANY_VALUE_BYTES);
}

static guint64
count_keys (const Reading *reading)
{
  const KvKeyIndex *keys = kv_store_index_get (reading->store);
  const char *prefix = reading->request->prefix;
  gsize length = reading->request->prefix_length;
  guint64 count = kv_key_index_get_length (keys);
  char end[KV_KEY_MAX_BYTES];

  if (length > 0)
    {
      make_end (prefix, length, end);
      count =
        kv_key_index_get_rank (keys, end, length) - kv_key_index_get_rank (keys, prefix, length);
    }
  if (reading->checks)
    count -= kv_expiry_count_due_below (reading->store->expiry, reading->now, prefix, length);
  return count;
}

/* Takes the commit lock when everything has been removed whose time has come by @now, if it may be removed. */
static gint64
lock_without_due (KvStore *store)
{
  g_mutex_lock (&store->listing);
  for (;;)
    {
      gint64 now = kv_clock_now ();

      kv_store_lock (store);
      if (!kv_store_expire_some (store, EXPIRE_AT_A_TIME))
        return now;
      kv_store_unlock_giving_way (store);
    }
}

static void
unlock (KvStore *store)
{
  kv_store_unlock_giving_way (store);
  g_mutex_unlock (&store->listing);
}

static KvPage *
read_page (KvStore *store, const Request *request)
{
  Reading reading = { .store = store, .request = request };

  reading.page = kv_page_new (request->content == KV_LIST_COUNT ? 0 : request->limit);
  reading.now = lock_without_due (store);
  reading.checks = store->keeping != NULL && !kv_keeping_may_expire (store);
  reading.page->revision = store->revision;
  if (request->content == KV_LIST_COUNT)
    reading.page->count = count_keys (&reading);
  else
    {
      seek_start (&reading);
      while (reading.there && !is_full (&reading))
        take_key (&reading);
    }
  unlock (store);

  if (reading.there)
    {
      KvCursorScope scope = get_scope (request);

      reading.page->cursor = kv_cursor_encode (&reading.reached, &scope);
    }
  return reading.page;
}

static void
answer (KvStore *store, const Request *request)
{
  g_autoptr (KvPage) page = read_page (store, request);

  request->func (store, page, NULL, request->user_data);
}

static void
answer_later (KvStore *store, gpointer user_data)
{
  g_autofree Request *request = user_data;

  answer (store, request);
}

/* Copies a text that keys may have in them. */
static gboolean
copy_text (const char *name,
           const char *text,
           gssize length,
           gsize most,
           char *copy,
           gsize *copy_length,
           GError **error)
{
  GError *problem = NULL;

  *copy_length = text == NULL ? 0 : length < 0 ? strlen (text) : (gsize) length;
  if (*copy_length == 0)
    return TRUE;
  if (*copy_length > most)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, name,
                               "%s is longer than %" G_GSIZE_FORMAT " bytes", name, most);
  if (!kv_key_validate (text, (gssize) *copy_length, &problem))
    {
      g_prefix_error (&problem, "%s cannot be a part of a key: ", name);
      kv_error_set_subject (problem, name);
      g_propagate_error (error, problem);
      return FALSE;
    }
  memcpy (copy, text, *copy_length);
  return TRUE;
}

static gboolean
read_cursor (const char *text, Request *request, GError **error)
{
  KvCursorScope scope = get_scope (request);
  GError *problem = NULL;

  if (text == NULL || kv_cursor_decode (text, &scope, &request->from, &problem))
    return TRUE;
  kv_error_set_subject (problem, "cursor");
  g_propagate_error (error, problem);
  return FALSE;
}

static gboolean
check (const KvListQuery *query, Request *request, GError **error)
{
  if (!copy_text ("prefix", query->prefix, query->prefix_length, sizeof request->prefix,
                  request->prefix, &request->prefix_length, error)
      || !copy_text ("delimiter", query->delimiter, query->delimiter_length,
                     sizeof request->delimiter, request->delimiter, &request->delimiter_length,
                     error))
    return FALSE;

  request->from.length = 0;
  request->limit = query->limit;
  request->content = query->content;
  if (query->delimiter != NULL && request->delimiter_length == 0)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "delimiter", "delimiter is empty");
  if (query->content == KV_LIST_COUNT)
    return (query->delimiter == NULL && query->cursor == NULL)
           || kv_error_set_about (
             error, KV_ERROR_INVALID_ARGUMENT, query->delimiter != NULL ? "delimiter" : "cursor",
             "There is neither a delimiter nor a cursor where keys are counted");
  if (query->limit < 1 || query->limit > KV_LIST_MAX_LIMIT)
    return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, "limit", "limit is not 1 to %d",
                               KV_LIST_MAX_LIMIT);
  return read_cursor (query->cursor, request, error);
}

static void
submit (KvStore *store,
        const KvListQuery *query,
        KvListFunc func,
        gpointer user_data,
        gboolean anywhere)
{
  g_autoptr (GError) error = NULL;
  g_autofree Request *request = g_new (Request, 1);

  request->func = func;
  request->user_data = user_data;
  if (!check (query, request, &error))
    func (store, NULL, error, user_data);
  else if (kv_store_index_prepare (store, answer_later, request, anywhere))
    answer (store, request);
  else
    g_steal_pointer (&request);
}

void
kv_store_submit_listing (KvStore *store,
                         const KvListQuery *query,
                         KvListFunc func,
                         gpointer user_data)
{
  submit (store, query, func, user_data, FALSE);
}

void
kv_store_submit_listing_waiting (KvStore *store,
                                 const KvListQuery *query,
                                 KvListFunc func,
                                 gpointer user_data)
{
  submit (store, query, func, user_data, TRUE);
}
