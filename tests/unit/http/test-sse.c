/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fake-carrier.h"
#include "http/stream/kv-http-sse.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long an event may keep a test waiting before it counts as lost. */
#define PATIENCE (30 * G_USEC_PER_SEC)

typedef struct {
  GMainContext *context; /* (owned) */
  KvStore *store;        /* (owned) */
  KvHttpPoller *poller;  /* (owned) */
  KvSseGroup *group;     /* (owned) */
  KvHttpLimits limits;
  KvHttpContext http;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->poller = kv_http_poller_new (NULL);
  fixture->context = g_main_context_ref (kv_http_poller_get_context (fixture->poller));
  g_main_context_push_thread_default (fixture->context);
  fixture->limits = (KvHttpLimits){
    .max_value_size = KV_VALUE_MAX_BYTES,
    .max_json_size = 100000,
    .max_batch = 1024,
    .body_timeout = G_TIME_SPAN_HOUR,
    .keep_alive_interval = G_TIME_SPAN_HOUR,
  };
  fixture->store = kv_store_new ();
  fixture->group = kv_sse_group_new (fixture->poller, &fixture->limits);
  fixture->http =
    (KvHttpContext){ fixture->store, &fixture->limits, fixture->poller, fixture->group };
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  kv_sse_group_free (fixture->group);
  kv_http_poller_free (fixture->poller);
  g_clear_object (&fixture->store);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static int
open_request (Fixture *fixture, const FakeRequest *request)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };
  int fd;

  fake_exchange (&fixture->http, NULL, request, &answer);
  g_assert_cmpuint (answer.status, ==, 0);
  g_assert_cmpint (answer.fd, >=, 0);
  fd = answer.fd;
  answer.fd = -1;
  return fd;
}

/* Each stream has one watch, and nobody else here has any. */
static guint
count_streams (Fixture *fixture)
{
  KvStoreStatus status;

  kv_store_get_status (fixture->store, &status);
  return (guint) status.watches;
}

/* Everything that can happen without waiting. */
static void
settle (Fixture *fixture)
{
  while (kv_http_poller_iterate (fixture->poller, FALSE))
    ;
}

/* Returns when the stream has begun: what is put before that is part of the snapshot. */
static int
open_stream (Fixture *fixture, const char *target, const char *last_event_id)
{
  const FakeRequest request = { .method = "GET", .target = target, .last_event_id = last_event_id };
  int fd = open_request (fixture, &request);

  settle (fixture);
  return fd;
}

/* Appends what is there to be read; tells whether the stream has ended, as it should end. */
static gboolean
receive (int fd, GString *text)
{
  char buffer[65536];
  gssize n;

  while ((n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_string_append_len (text, buffer, n);
  if (n < 0)
    g_assert_cmpint (errno, ==, EAGAIN);
  return n == 0;
}

static void
receive_until (Fixture *fixture, int fd, GString *text, const char *wanted)
{
  gint64 start = g_get_monotonic_time ();

  while (strstr (text->str, wanted) == NULL)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      kv_http_poller_iterate (fixture->poller, FALSE);
      receive (fd, text);
    }
}

static void
assert_count (Fixture *fixture, guint expected)
{
  gint64 start = g_get_monotonic_time ();

  while (count_streams (fixture) != expected)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      kv_http_poller_iterate (fixture->poller, FALSE);
    }
}

/* What stands behind the head. */
static const char *
skip_head (const GString *text)
{
  const char *end = strstr (text->str, "\r\n\r\n");

  g_assert_nonnull (end);
  return end + 4;
}

static guint64
put (Fixture *fixture, const char *key, const char *value)
{
  guint64 revision = kv_store_put (fixture->store, key, value, -1, NULL);

  g_assert_cmpuint (revision, >, 0);
  return revision;
}

static void
test_head (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  g_assert_false (receive (fd, text));
  g_assert_true (g_regex_match_simple (
    "^HTTP/1\\.1 200 OK\r\n"
    "Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n\r\nevent: WATCH",
    text->str, 0, 0));
  g_assert_cmpstr (skip_head (text), ==, "event: WATCH key k1\ndata: \n\n");
  close (fd);
}

static void
test_snapshot_then_changes (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *expected = NULL;
  guint64 revisions[4];
  int fd;

  put (fixture, "k1", "one\ntwo");
  fd = open_stream (fixture, "/watch_key/k1", NULL);
  revisions[0] = put (fixture, "k1", "1");
  put (fixture, "other", "x");
  settle (fixture);
  revisions[1] = kv_store_compare_and_swap (fixture->store, "k1", "1", "2", NULL);
  revisions[2] = kv_store_delete (fixture->store, "k1", NULL);
  kv_store_put (fixture->store, "k1", "3", 0, NULL);
  settle (fixture);
  receive_until (fixture, fd, text, "EXPIRED key k1\ndata: \n\n");
  revisions[3] = kv_store_get_revision (fixture->store);
  expected =
    g_strdup_printf ("event: WATCH key k1\ndata: one\ndata: two\n\n"
                     "id: %" G_GUINT64_FORMAT "\nevent: PUT key k1\ndata: 1\n\n"
                     "id: %" G_GUINT64_FORMAT "\nevent: COMPARE_AND_SWAP key k1\ndata: 2\n\n"
                     "id: %" G_GUINT64_FORMAT "\nevent: DELETE key k1\ndata: \n\n"
                     "id: %" G_GUINT64_FORMAT "\nevent: PUT key k1\ndata: 3\n\n"
                     "id: %" G_GUINT64_FORMAT "\nevent: EXPIRED key k1\ndata: \n\n",
                     revisions[0], revisions[1], revisions[2], revisions[3] - 1, revisions[3]);
  g_assert_cmpstr (skip_head (text), ==, expected);
  close (fd);
}

static void
test_many_keys (Fixture *fixture, gconstpointer unused)
{
  const FakeRequest request = { .method = "POST",
                                .target = "/watch",
                                .content_type = "application/json",
                                .body = "[\"b\",\"a\",\"b\",\"c d\"]" };
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *expected = NULL;
  guint64 revision;
  int fd;

  put (fixture, "a", "1");
  fd = open_request (fixture, &request);
  settle (fixture);
  revision = put (fixture, "c d", "2");
  receive_until (fixture, fd, text, "PUT key c d\ndata: 2\n\n");
  expected = g_strdup_printf ("event: WATCH key b\ndata: \n\n"
                              "event: WATCH key a\ndata: 1\n\n"
                              "event: WATCH key c d\ndata: \n\n"
                              "id: %" G_GUINT64_FORMAT "\nevent: PUT key c d\ndata: 2\n\n",
                              revision);
  g_assert_cmpstr (skip_head (text), ==, expected);
  close (fd);
}

static void
test_resume (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *id = NULL;
  g_autofree char *expected = NULL;
  guint64 first, second;
  int fd;

  id = g_strdup_printf ("%" G_GUINT64_FORMAT, put (fixture, "k1", "0"));
  first = put (fixture, "k1", "1");
  second = put (fixture, "k1", "2");
  fd = open_stream (fixture, "/watch_key/k1", id);
  receive_until (fixture, fd, text, "data: 2\n\n");
  expected = g_strdup_printf ("id: %" G_GUINT64_FORMAT "\nevent: PUT key k1\ndata: 1\n\n"
                              "id: %" G_GUINT64_FORMAT "\nevent: PUT key k1\ndata: 2\n\n",
                              first, second);
  g_assert_cmpstr (skip_head (text), ==, expected);
  close (fd);
}

static void
test_resume_from_elsewhere (Fixture *fixture, gconstpointer unused)
{
  static const char *const ids[] = { "0", "9999999999999999", "18446744073709551615" };

  put (fixture, "k1", "1");
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      int fd = open_stream (fixture, "/watch_key/k1", ids[i]);

      receive_until (fixture, fd, text, "data: 1\n\n");
      g_assert_cmpstr (skip_head (text), ==, "event: WATCH key k1\ndata: 1\n\n");
      close (fd);
    }
}

/* The id stands on what ends the revision for the stream, wherever the transaction goes on to. */
static void
test_id_where_a_revision_ends_for_the_stream (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  const char *const keys[] = { "k1", "k2", "k3", "k4" };
  const char *const targets[] = { "/watch_key/k1", "/watch_key/k2", "/watch_key/k4" };
  int fds[G_N_ELEMENTS (targets)];

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    fds[i] = open_stream (fixture, targets[i], NULL);
  settle (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    kv_transaction_put (transaction, keys[i], "new", -1, NULL);
  outcome = kv_store_commit (fixture->store, transaction, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autofree char *id = g_strdup_printf ("\n\nid: %" G_GUINT64_FORMAT "\nevent: PUT",
                                             kv_outcome_get_revision (outcome));

      receive_until (fixture, fds[i], text, "data: new\n\n");
      g_assert_nonnull (strstr (text->str, id));
      close (fds[i]);
    }
}

/* The number behind the last occurrence of @label. */
static guint64
last_number (const GString *text, const char *label)
{
  const char *found = g_strrstr (text->str, label);

  g_assert_nonnull (found);
  return g_ascii_strtoull (found + strlen (label), NULL, 10);
}

static void
test_slow_client_gets_all_in_order (Fixture *fixture, gconstpointer unused)
{
  const guint n_changes = 2000;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *padding = g_strnfill (500, 'x');
  g_auto (GStrv) frames = NULL;
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  for (guint i = 1; i <= n_changes; i++)
    {
      g_autofree char *value = g_strdup_printf ("%u\n%s", i, padding);

      put (fixture, "k1", value);
      if (i % 100 == 0)
        settle (fixture);
    }
  put (fixture, "k1", "end");
  receive_until (fixture, fd, text, "data: end\n\n");

  frames = g_strsplit (skip_head (text), "\n\n", -1);
  g_assert_cmpuint (g_strv_length (frames), ==, n_changes + 3);
  for (guint i = 1; i <= n_changes; i++)
    {
      g_autofree char *data = g_strdup_printf ("\nevent: PUT key k1\ndata: %u\ndata: xxx", i);

      g_assert_nonnull (strstr (frames[i], data));
    }
  close (fd);
}

static void
test_client_that_lags_too_far_starts_anew (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *large = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  for (guint i = 0; i < 200000; i++)
    {
      put (fixture, "k1", i % 1000 == 0 ? large : "small");
      if (i % 10000 == 0)
        settle (fixture);
    }
  put (fixture, "k1", "now");
  receive_until (fixture, fd, text, "event: WATCH key k1\ndata: now\n\n");

  put (fixture, "k1", "later");
  receive_until (fixture, fd, text, "event: PUT key k1\ndata: later\n\n");
  g_assert_cmpuint (last_number (text, "\nid: "), ==, kv_store_get_revision (fixture->store));
  close (fd);
}

static void
test_notices_client_that_left (Fixture *fixture, gconstpointer unused)
{
  int first = open_stream (fixture, "/watch_key/k1", NULL);
  int second = open_stream (fixture, "/watch_key/k1", NULL);

  settle (fixture);
  g_assert_cmpuint (count_streams (fixture), ==, 2);
  close (first);
  assert_count (fixture, 1);
  shutdown (second, SHUT_WR);
  assert_count (fixture, 0);
  close (second);
}

static void
test_client_that_left_while_sending (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  put (fixture, "k1", large);
  settle (fixture);
  g_assert_cmpuint (count_streams (fixture), ==, 1);
  close (fd);
  assert_count (fixture, 0);
}

/* Whichever of the two is noticed first. */
static void
test_change_for_client_that_left (Fixture *fixture, gconstpointer unused)
{
  int fd = open_stream (fixture, "/watch_key/k1", NULL);
  int other = open_stream (fixture, "/watch_key/k1", NULL);
  const FakeRequest request = { .method = "GET", .target = "/watch_key/k1" };

  /* Before its stream has begun. */
  close (open_request (fixture, &request));
  settle (fixture);
  g_assert_cmpuint (count_streams (fixture), ==, 2);
  close (fd);
  put (fixture, "k1", "1");
  assert_count (fixture, 1);
  close (other);
}

static void
test_reads_over_a_little (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  g_assert_cmpint (send (fd, "hello", 5, 0), ==, 5);
  settle (fixture);
  put (fixture, "k1", "1");
  receive_until (fixture, fd, text, "data: 1\n\n");
  close (fd);
}

static void
test_closes_on_a_flood (Fixture *fixture, gconstpointer unused)
{
  char noise[4096] = { 0 };
  int fd = open_stream (fixture, "/watch_key/k1", NULL);
  gint64 start = g_get_monotonic_time ();

  while (count_streams (fixture) > 0)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      send (fd, noise, sizeof noise, MSG_DONTWAIT | MSG_NOSIGNAL);
      kv_http_poller_iterate (fixture->poller, FALSE);
    }
  close (fd);
}

static void
test_keep_alive (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  int fd;

  fixture->limits.keep_alive_interval = 1;
  fd = open_stream (fixture, "/watch_key/k1", NULL);
  receive_until (fixture, fd, text, "\n\n:\n\n:\n\n");
  g_assert_cmpuint (count_streams (fixture), ==, 1);
  close (fd);
}

static void
test_closes_stalled_stream (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  int stalled, idle;

  fixture->limits.keep_alive_interval = 1;
  fixture->limits.body_timeout = 1;
  stalled = open_stream (fixture, "/watch_key/k1", NULL);
  idle = open_stream (fixture, "/watch_key/k2", NULL);
  put (fixture, "k1", large);
  assert_count (fixture, 1);
  close (stalled);
  close (idle);
}

static void
test_close_all_ends_frames (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *expected = NULL;
  guint64 revision;
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  revision = put (fixture, "k1", "last words");
  settle (fixture);
  send (fd, "noise", 5, 0);
  kv_sse_group_close_all (fixture->group);
  g_assert_cmpuint (count_streams (fixture), ==, 0);
  g_assert_true (receive (fd, text));
  expected = g_strdup_printf ("event: WATCH key k1\ndata: \n\n"
                              "id: %" G_GUINT64_FORMAT "\nevent: PUT key k1\ndata: last words\n\n",
                              revision);
  g_assert_cmpstr (skip_head (text), ==, expected);
  close (fd);
}

static void
test_close_all_sends_what_was_gathered (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *large = g_strnfill (60000, 'x');
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  for (guint i = 0; i < 4; i++)
    put (fixture, "k1", large);
  settle (fixture);
  g_assert_false (receive (fd, text));
  kv_sse_group_close_all (fixture->group);
  g_assert_true (receive (fd, text));
  g_assert_true (g_str_has_suffix (text->str, "x\n\n"));
  close (fd);
}

static void
test_idle_group_sleeps (Fixture *fixture, gconstpointer unused)
{
  int fd = open_stream (fixture, "/watch_key/k1", NULL);

  close (fd);
  assert_count (fixture, 0);
  settle (fixture);
  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), ==, -1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add ("/http/sse/" path, Fixture, NULL, set_up, func, tear_down)
  TEST ("head", test_head);
  TEST ("snapshot-then-changes", test_snapshot_then_changes);
  TEST ("many-keys-on-one-stream", test_many_keys);
  TEST ("resumes-after-last-event-id", test_resume);
  TEST ("id-where-a-revision-ends-for-the-stream", test_id_where_a_revision_ends_for_the_stream);
  TEST ("unknown-last-event-id-starts-anew", test_resume_from_elsewhere);
  TEST ("slow-client-gets-all-in-order", test_slow_client_gets_all_in_order);
  TEST ("client-that-lags-too-far-starts-anew", test_client_that_lags_too_far_starts_anew);
  TEST ("notices-a-client-that-left", test_notices_client_that_left);
  TEST ("notices-a-client-that-left-while-sending", test_client_that_left_while_sending);
  TEST ("a-change-for-a-client-that-left", test_change_for_client_that_left);
  TEST ("reads-over-a-little", test_reads_over_a_little);
  TEST ("closes-on-a-flood", test_closes_on_a_flood);
  TEST ("keep-alive", test_keep_alive);
  TEST ("closes-a-stalled-stream", test_closes_stalled_stream);
  TEST ("close-all-ends-frames", test_close_all_ends_frames);
  TEST ("close-all-sends-what-was-gathered", test_close_all_sends_what_was_gathered);
  TEST ("an-idle-group-sleeps", test_idle_group_sleeps);
  return g_test_run ();
}
