/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-watch.h"

#include <string.h>

/* A watch and what it has told, each event as a line: "SNAPSHOT k=v", "END", "PUT k=v", "DELETE k", "RESET". */
typedef struct {
  KvWatch *watch;
  GPtrArray *lines;
  GArray *revisions; /* of the changes */
  guint calls;
  gboolean lazy; /* reads nothing when it is called */
} Listener;

static const char *const kinds[] = { "PUT", "DELETE", "SWAP", "EXPIRED" };

static char *
describe (const KvWatchEvent *event)
{
  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      return g_strdup_printf ("SNAPSHOT %s=%s", event->key,
                              event->entry != NULL ? kv_entry_get_value (event->entry, NULL) : "-");
    case KV_WATCH_SNAPSHOT_END:
      return g_strdup ("END");
    case KV_WATCH_RESET:
      return g_strdup ("RESET");
    case KV_WATCH_CHANGE:
    default:
      return g_strdup_printf (
        "%s %s=%s", kinds[event->change.kind], kv_change_get_key (&event->change, NULL),
        event->change.entry != NULL ? kv_entry_get_value (event->change.entry, NULL) : "-");
    }
}

static void
drain (Listener *listener)
{
  KvWatchEvent event;

  while (kv_watch_next (listener->watch, &event))
    {
      g_ptr_array_add (listener->lines, describe (&event));
      if (event.type == KV_WATCH_CHANGE)
        g_array_append_val (listener->revisions, event.change.revision);
      kv_watch_event_clear (&event);
    }
}

static void
on_ready (KvWatch *watch, gpointer user_data)
{
  Listener *listener = user_data;

  listener->calls++;
  if (!listener->lazy)
    drain (listener);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
listen_to (Listener *listener,
           KvStore *store,
           const char *const *keys,
           const char *const *prefixes,
           guint64 since)
{
  g_autoptr (GError) error = NULL;

  memset (listener, 0, sizeof *listener);
  listener->lines = g_ptr_array_new_with_free_func (g_free);
  listener->revisions = g_array_new (FALSE, FALSE, sizeof (guint64));
  listener->watch = kv_watch_new (store, keys, prefixes, since, on_ready, listener, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (listener->calls, ==, 0);
}

static void
listener_clear (Listener *listener)
{
  g_clear_pointer (&listener->watch, kv_watch_free);
  g_ptr_array_unref (listener->lines);
  g_array_unref (listener->revisions);
}

/* Compares and forgets. */
static void
assert_lines (Listener *listener, const char *expected)
{
  g_autofree char *lines = NULL;

  settle ();
  g_ptr_array_add (listener->lines, NULL);
  lines = g_strjoinv ("; ", (char **) listener->lines->pdata);
  g_ptr_array_set_size (listener->lines, 0);
  g_assert_cmpstr (lines, ==, expected);
}

static void
test_keys (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "b", "a", "b", NULL };
  Listener listener;

  kv_store_put (store, "a", "1", -1, NULL);
  listen_to (&listener, store, keys, NULL, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "SNAPSHOT b=-; SNAPSHOT a=1; END");
  kv_store_put (store, "b", "2", -1, NULL);
  kv_store_put (store, "c", "3", -1, NULL);
  kv_store_compare_and_swap (store, "a", "1", "x", NULL);
  kv_store_delete (store, "b", NULL);
  assert_lines (&listener, "PUT b=2; SWAP a=x; DELETE b=-");
  listener_clear (&listener);
  kv_store_put (store, "a", "unheard", -1, NULL);
  settle ();
}

static void
test_prefixes (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "dir/named", NULL };
  const char *prefixes[] = { "dir/sub/", "dir/", "other/", NULL };
  Listener listener;

  kv_store_put (store, "dir/named", "1", -1, NULL);
  kv_store_put (store, "dir/sub/x", "2", -1, NULL);
  kv_store_put (store, "dirt", "3", -1, NULL);
  listen_to (&listener, store, keys, prefixes, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "SNAPSHOT dir/named=1; SNAPSHOT dir/sub/x=2; END");
  kv_store_put (store, "dir/", "4", -1, NULL);
  kv_store_put (store, "dir", "5", -1, NULL);
  kv_store_put (store, "other/y", "6", -1, NULL);
  kv_store_put (store, "dir/named", "7", -1, NULL);
  assert_lines (&listener, "PUT dir/=4; PUT other/y=6; PUT dir/named=7");
  listener_clear (&listener);
}

/* Watches that share prefixes of several lengths: each is told, once, and leaves the other its own. */
static void
test_many_prefixes (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GPtrArray) prefixes = g_ptr_array_new_with_free_func (g_free);
  Listener listeners[2];

  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (prefixes, g_strdup_printf ("%u/", i));
  g_ptr_array_add (prefixes, g_strdup ("7/covered/"));
  g_ptr_array_add (prefixes, g_strdup ("7/"));
  g_ptr_array_add (prefixes, NULL);
  for (guint i = 0; i < 2; i++)
    {
      listen_to (&listeners[i], store, NULL, (const char *const *) prefixes->pdata,
                 KV_WATCH_FROM_NOW);
      assert_lines (&listeners[i], "END");
    }

  kv_store_put (store, "7/covered/k", "1", -1, NULL);
  kv_store_put (store, "1000/k", "2", -1, NULL);
  kv_store_put (store, "999/k", "3", -1, NULL);
  for (guint i = 0; i < 2; i++)
    assert_lines (&listeners[i], "PUT 7/covered/k=1; PUT 999/k=3");
  listener_clear (&listeners[0]);
  kv_store_delete (store, "7/covered/k", NULL);
  assert_lines (&listeners[1], "DELETE 7/covered/k=-");
  listener_clear (&listeners[1]);
}

/* More bytes than the log holds are no reason to start again for one that keeps up. */
static void
test_large_value (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *value = g_strnfill (17 * 1024 * 1024, 'x');
  const char *keys[] = { "k", NULL };
  Listener listener;

  listen_to (&listener, store, keys, NULL, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "SNAPSHOT k=-; END");
  kv_store_put (store, "k", value, -1, NULL);
  settle ();
  g_assert_cmpuint (listener.lines->len, ==, 1);
  g_assert_true (g_str_has_prefix (listener.lines->pdata[0], "PUT k="));
  listener_clear (&listener);
}

static void
test_refuses (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GError) error = NULL;
  const char *keys[] = { "fine", "not\nfine", NULL };

  g_assert_null (kv_watch_new (store, keys, NULL, KV_WATCH_FROM_NOW, NULL, NULL, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
}

/* Changes between the making of the watch and its first reading are in the snapshot, or come after it, but never both. */
static void
test_no_gap_no_repeat (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  const char *prefixes[] = { "", NULL };
  Listener by_key, by_prefix;
  KvWatchEvent event;

  kv_store_put (store, "k", "1", -1, NULL);
  listen_to (&by_key, store, keys, NULL, KV_WATCH_FROM_NOW);
  listen_to (&by_prefix, store, NULL, prefixes, KV_WATCH_FROM_NOW);
  kv_store_put (store, "k", "2", -1, NULL);
  g_assert_true (kv_watch_next (by_key.watch, &event));
  g_ptr_array_add (by_key.lines, describe (&event));
  kv_watch_event_clear (&event);
  kv_store_put (store, "k", "3", -1, NULL);
  assert_lines (&by_key, "SNAPSHOT k=2; END; PUT k=3");
  /* The prefix's snapshot is of the moment at which the watch was made, where that is still there to be shown. */
  assert_lines (&by_prefix, "END; PUT k=2; PUT k=3");
  listener_clear (&by_key);
  listener_clear (&by_prefix);
}

static void
test_resumes (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  guint64 origin = kv_store_get_revision (store), first, last;
  Listener all, some, none;

  first = kv_store_put (store, "k", "1", -1, NULL);
  kv_store_put (store, "other", "x", -1, NULL);
  kv_store_put (store, "k", "2", -1, NULL);
  last = kv_store_put (store, "k", "3", -1, NULL);
  listen_to (&all, store, keys, NULL, origin);
  listen_to (&some, store, keys, NULL, first);
  listen_to (&none, store, keys, NULL, last);
  assert_lines (&all, "PUT k=1; PUT k=2; PUT k=3");
  assert_lines (&some, "PUT k=2; PUT k=3");
  assert_lines (&none, "");
  kv_store_put (store, "k", "4", -1, NULL);
  assert_lines (&all, "PUT k=4");
  assert_lines (&some, "PUT k=4");
  assert_lines (&none, "PUT k=4");
  listener_clear (&all);
  listener_clear (&some);
  listener_clear (&none);
}

/* What the log has lost since was not for it. */
static void
test_quiet_one_misses_nothing (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  Listener listener;

  listen_to (&listener, store, keys, NULL, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "SNAPSHOT k=-; END");
  for (guint i = 0; i < 100000; i++)
    {
      kv_store_put (store, "other", "storm", -1, NULL);
      if (i % 1000 == 0)
        settle ();
    }
  settle ();
  drain (&listener);
  assert_lines (&listener, "");
  kv_store_put (store, "k", "calm", -1, NULL);
  assert_lines (&listener, "PUT k=calm");
  listener_clear (&listener);
}

static void
test_resume_out_of_reach (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  Listener past, future;

  kv_store_put (store, "k", "1", -1, NULL);
  listen_to (&past, store, keys, NULL, 17);
  listen_to (&future, store, keys, NULL, kv_store_get_revision (store) + 1);
  assert_lines (&past, "RESET; SNAPSHOT k=1; END");
  assert_lines (&future, "RESET; SNAPSHOT k=1; END");
  listener_clear (&past);
  listener_clear (&future);
}

/* One that does not read is called once, lags, and is told when it has lagged too far. */
static void
test_lagging (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  Listener listener;

  listen_to (&listener, store, keys, NULL, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "SNAPSHOT k=-; END");
  listener.lazy = TRUE;
  listener.calls = 0;
  kv_store_put (store, "k", "1", -1, NULL);
  settle ();
  kv_store_put (store, "k", "2", -1, NULL);
  settle ();
  g_assert_cmpuint (listener.calls, ==, 1);
  drain (&listener);
  assert_lines (&listener, "PUT k=1; PUT k=2");
  g_assert_cmpuint (listener.calls, ==, 1);

  for (guint i = 0; i < 100000; i++)
    kv_store_put (store, "k", "storm", -1, NULL);
  settle ();
  g_assert_cmpuint (listener.calls, ==, 2);
  drain (&listener);
  assert_lines (&listener, "RESET; SNAPSHOT k=storm; END");
  kv_store_put (store, "k", "calm", -1, NULL);
  settle ();
  drain (&listener);
  assert_lines (&listener, "PUT k=calm");
  listener_clear (&listener);
}

static void
test_many_keys (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  Listener listener;

  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (keys, g_strdup_printf ("key-%u", i));
  g_ptr_array_add (keys, NULL);
  listen_to (&listener, store, (const char *const *) keys->pdata, NULL, KV_WATCH_FROM_NOW);
  settle ();
  g_assert_cmpuint (listener.lines->len, ==, 1001);
  g_assert_cmpstr (listener.lines->pdata[999], ==, "SNAPSHOT key-999=-");
  g_ptr_array_set_size (listener.lines, 0);
  kv_store_put (store, "key-512", "x", -1, NULL);
  kv_store_put (store, "key-1000", "x", -1, NULL);
  kv_store_put (store, "key-0", "y", -1, NULL);
  assert_lines (&listener, "PUT key-512=x; PUT key-0=y");
  listener_clear (&listener);
}

static void
test_transaction_is_told_whole (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  const char *prefixes[] = { "", NULL };
  Listener listener;

  listen_to (&listener, store, NULL, prefixes, KV_WATCH_FROM_NOW);
  assert_lines (&listener, "END");
  kv_transaction_put (transaction, "a", "1", -1, NULL);
  kv_transaction_put (transaction, "b", "2", -1, NULL);
  kv_transaction_put (transaction, "a", "3", -1, NULL);
  kv_outcome_unref (kv_store_commit (store, transaction, NULL));
  assert_lines (&listener, "PUT a=3; PUT b=2");
  g_assert_cmpuint (g_array_index (listener.revisions, guint64, 0), ==,
                    g_array_index (listener.revisions, guint64, 1));
  listener_clear (&listener);
}

/* A listener that ends another one, and itself, when it is called. */
typedef struct {
  KvWatch *own;
  KvWatch *other;
  guint calls;
} Ender;

static void
end_both (KvWatch *watch, gpointer user_data)
{
  Ender *ender = user_data;

  ender->calls++;
  g_clear_pointer (&ender->own, kv_watch_free);
  g_clear_pointer (&ender->other, kv_watch_free);
}

static void
test_may_end_in_the_call (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  Ender ender = { 0 };
  KvStoreStatus status;

  ender.own = kv_watch_new (store, keys, NULL, KV_WATCH_FROM_NOW, end_both, &ender, NULL);
  ender.other = kv_watch_new (store, keys, NULL, KV_WATCH_FROM_NOW, end_both, &ender, NULL);
  settle ();
  g_assert_cmpuint (ender.calls, ==, 1);
  kv_store_get_status (store, &status);
  g_assert_cmpuint (status.watches, ==, 0);
}

static void
test_thousands_come_and_go (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  g_autofree Listener *listeners = g_new0 (Listener, 2000);

  for (guint i = 0; i < 2000; i++)
    listen_to (&listeners[i], store, keys, NULL, KV_WATCH_FROM_NOW);
  settle ();
  kv_store_put (store, "k", "v", -1, NULL);
  for (guint i = 0; i < 2000; i++)
    assert_lines (&listeners[i], "SNAPSHOT k=-; END; PUT k=v");
  for (guint i = 0; i < 2000; i += 2)
    listener_clear (&listeners[i]);
  kv_store_put (store, "k", "w", -1, NULL);
  for (guint i = 1; i < 2000; i += 2)
    {
      assert_lines (&listeners[i], "PUT k=w");
      listener_clear (&listeners[i]);
    }
}

/* Who is called in a turn is bounded. Those whose turn has not come may leave, and the key may be written, in between. */
static void
test_crowd (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  const char *keys[] = { "k", NULL };
  g_autofree Listener *listeners = g_new0 (Listener, 2000);
  guint n_called = 0, n_turns = 0;

  for (guint i = 0; i < 2000; i++)
    listen_to (&listeners[i], store, keys, NULL, KV_WATCH_FROM_NOW);
  for (guint i = 0; i < 2000; i++)
    assert_lines (&listeners[i], "SNAPSHOT k=-; END");

  kv_store_put (store, "k", "1", -1, NULL);
  g_main_context_iteration (NULL, FALSE);
  for (guint i = 0; i < 2000; i++)
    n_called += listeners[i].lines->len > 0;
  g_assert_cmpuint (n_called, >, 0);
  g_assert_cmpuint (n_called, <, 1000);

  kv_store_put (store, "k", "2", -1, NULL);
  for (guint i = 0; i < 2000; i += 2)
    listener_clear (&listeners[i]);
  kv_store_put (store, "k", "3", -1, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    n_turns++;
  g_assert_cmpuint (n_turns, >, 1);
  for (guint i = 1; i < 2000; i += 2)
    {
      assert_lines (&listeners[i], "PUT k=1; PUT k=2; PUT k=3");
      listener_clear (&listeners[i]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/watch/keys-in-order-then-changes", test_keys);
  g_test_add_func ("/store/watch/prefixes-overlap-once", test_prefixes);
  g_test_add_func ("/store/watch/many-prefixes-are-shared", test_many_prefixes);
  g_test_add_func ("/store/watch/tells-of-large-values", test_large_value);
  g_test_add_func ("/store/watch/refuses-invalid-keys", test_refuses);
  g_test_add_func ("/store/watch/neither-gap-nor-repeat", test_no_gap_no_repeat);
  g_test_add_func ("/store/watch/resumes-after-revision", test_resumes);
  g_test_add_func ("/store/watch/resets-when-out-of-reach", test_resume_out_of_reach);
  g_test_add_func ("/store/watch/quiet-one-misses-nothing", test_quiet_one_misses_nothing);
  g_test_add_func ("/store/watch/lagging-one-is-called-once-and-told", test_lagging);
  g_test_add_func ("/store/watch/many-keys", test_many_keys);
  g_test_add_func ("/store/watch/transaction-is-told-whole", test_transaction_is_told_whole);
  g_test_add_func ("/store/watch/may-end-within-the-call", test_may_end_in_the_call);
  g_test_add_func ("/store/watch/thousands-come-and-go", test_thousands_come_and_go);
  g_test_add_func ("/store/watch/crowd-is-called-in-portions", test_crowd);
  return g_test_run ();
}
