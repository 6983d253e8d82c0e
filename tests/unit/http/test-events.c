/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The streams of /v1/watch, as far as it needs a hand on what happens when. */

#include "fake-carrier.h"
#include "http/kv-http-meter.h"
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
  KvHttpMeter *meter;    /* (owned) */
  KvHttpLimits limits;
  KvHttpContext http;
  GString *text; /* (owned): what has come behind the head */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->poller = kv_http_poller_new (NULL);
  fixture->context = g_main_context_ref (kv_http_poller_get_context (fixture->poller));
  g_main_context_push_thread_default (fixture->context);
  fixture->limits = (KvHttpLimits){
    .max_value_size = KV_VALUE_MAX_BYTES,
    .max_batch = 4,
    .body_timeout = G_TIME_SPAN_HOUR,
    .keep_alive_interval = G_TIME_SPAN_HOUR,
  };
  fixture->store = kv_store_new ();
  fixture->group = kv_sse_group_new (fixture->poller, &fixture->limits);
  fixture->meter = kv_http_meter_new ();
  kv_sse_group_set_meter (fixture->group, fixture->meter);
  fixture->http =
    (KvHttpContext){ fixture->store, &fixture->limits, fixture->poller, fixture->group };
  fixture->text = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  kv_sse_group_free (fixture->group);
  kv_http_meter_free (fixture->meter);
  kv_http_poller_free (fixture->poller);
  g_clear_object (&fixture->store);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
  g_string_free (fixture->text, TRUE);
}

/* The snapshot begins with this; nothing is told of it before the next turn. */
static int
open_stream (Fixture *fixture, const char *target, const char *last_event_id)
{
  const FakeRequest request = { .method = "GET", .target = target, .last_event_id = last_event_id };
  g_auto (FakeAnswer) answer = { .fd = -1 };
  int fd;

  fake_exchange (&fixture->http, NULL, &request, &answer);
  g_assert_cmpuint (answer.status, ==, 0);
  fd = answer.fd;
  answer.fd = -1;
  return fd;
}

static void
settle (Fixture *fixture)
{
  while (kv_http_poller_iterate (fixture->poller, FALSE))
    ;
}

static void
receive (Fixture *fixture, int fd)
{
  char buffer[65536];
  gssize n;

  while ((n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_string_append_len (fixture->text, buffer, n);
  if (g_str_has_prefix (fixture->text->str, "HTTP/1.1 200"))
    {
      const char *end = strstr (fixture->text->str, "\r\n\r\n");

      g_assert_nonnull (end);
      g_string_erase (fixture->text, 0, end + 4 - fixture->text->str);
    }
}

static void
receive_until (Fixture *fixture, int fd, const char *wanted)
{
  gint64 start = g_get_monotonic_time ();

  while (strstr (fixture->text->str, wanted) == NULL)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      kv_http_poller_iterate (fixture->poller, FALSE);
      receive (fixture, fd);
    }
}

static guint64
put (Fixture *fixture, const char *key, const char *value)
{
  guint64 revision = kv_store_put (fixture->store, key, value, -1, NULL);

  g_assert_cmpuint (revision, >, 0);
  return revision;
}

static guint64
put_together (Fixture *fixture, const char *const *keys, guint length)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;

  for (guint i = 0; i < length; i++)
    kv_transaction_put (transaction, keys[i], "both", -1, NULL);
  outcome = kv_store_commit (fixture->store, transaction, NULL);
  return kv_outcome_get_revision (outcome);
}

static void
assert_frame_of (const char *frame, const char *key, guint64 revision, const char *rest)
{
  g_autofree char *expected = g_strdup_printf (
    "event: put\ndata: {\"key\":\"%s\",\"revision\":%" G_GUINT64_FORMAT "%s}", key, revision, rest);

  g_assert_cmpstr (frame, ==, expected);
}

static void
assert_mark (const char *frame, const char *event, guint64 revision)
{
  g_autofree char *expected = g_strdup_printf (
    "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: {\"revision\":%" G_GUINT64_FORMAT "}", revision,
    event, revision);

  g_assert_cmpstr (frame, ==, expected);
}

/* What is written after the snapshot has begun and before it is told belongs to it: what stands before snapshot_end is what
 * there was at its id. */
static void
test_snapshot_is_of_one_revision (Fixture *fixture, gconstpointer unused)
{
  const char *const keys[] = { "p/a", "p/b", "n" };
  g_auto (GStrv) frames = NULL;
  guint64 both, gone, after;
  int fd;

  put (fixture, "p/a", "old");
  put (fixture, "p/c", "old");
  fd = open_stream (fixture, "/v1/watch?key=n&prefix=p/&values=false", NULL);
  both = put_together (fixture, keys, G_N_ELEMENTS (keys));
  gone = kv_store_delete (fixture->store, "p/c", NULL);
  receive_until (fixture, fd, "snapshot_end");
  after = put (fixture, "p/c", "new");
  receive_until (fixture, fd, "id: ");
  receive_until (fixture, fd, "\"p/c\",\"revision\":");
  settle (fixture);
  receive (fixture, fd);

  frames = g_strsplit (fixture->text->str, "\n\n", -1);
  g_assert_cmpstr (frames[0], ==, "retry: 1000");
  /* The named key is told as it is, the others of that transaction behind it, and all before the end. */
  assert_frame_of (frames[1], "n", both, ",\"snapshot\":true");
  assert_frame_of (frames[2], "p/a", both, ",\"snapshot\":true");
  assert_frame_of (frames[3], "p/b", both, ",\"snapshot\":true");
  g_assert_true (g_str_has_prefix (frames[4], "event: delete\ndata: {\"key\":\"p/c\""));
  g_assert_true (g_str_has_suffix (frames[4], ",\"snapshot\":true}"));
  assert_mark (frames[5], "snapshot_end", gone);
  g_assert_true (g_str_has_prefix (frames[6], "id: "));
  assert_frame_of (strchr (frames[6], '\n') + 1, "p/c", after, "");
  g_assert_cmpstr (frames[7], ==, "");
  close (fd);
}

/* That nothing of it is for the stream is no reason to wait with the end, nor is that nothing more is written. */
static void
test_snapshot_ends_beside_other_writes (Fixture *fixture, gconstpointer unused)
{
  g_auto (GStrv) frames = NULL;
  guint64 revision;
  int fd = open_stream (fixture, "/v1/watch?prefix=p/", NULL);

  revision = put (fixture, "other", "x");
  receive_until (fixture, fd, "snapshot_end");
  frames = g_strsplit (fixture->text->str, "\n\n", -1);
  assert_mark (frames[1], "snapshot_end", revision);
  settle (fixture);
  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), !=, 0);
  close (fd);
}

static void
test_progress_in_place_of_a_comment (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *progress = NULL;
  guint64 revision;
  int fd;

  fixture->limits.keep_alive_interval = 1;
  fd = open_stream (fixture, "/v1/watch?key=k", NULL);
  /* Where nothing has changed there is nothing to say. */
  receive_until (fixture, fd, "\n\n:\n\n:\n\n");
  g_assert_null (strstr (fixture->text->str, "progress"));

  g_string_truncate (fixture->text, 0);
  revision = put (fixture, "other", "x");
  receive_until (fixture, fd, "event: progress");
  receive_until (fixture, fd, "}\n\n:\n\n:\n\n");
  progress =
    g_strdup_printf ("id: %" G_GUINT64_FORMAT
                     "\nevent: progress\ndata: {\"revision\":%" G_GUINT64_FORMAT "}\n\n:\n\n:\n\n",
                     revision, revision);
  g_assert_nonnull (strstr (fixture->text->str, progress));
  close (fd);
}

/* What the client has got as a change it need not be told again. */
static void
test_no_progress_behind_what_was_told (Fixture *fixture, gconstpointer unused)
{
  int fd;

  fixture->limits.keep_alive_interval = 1;
  fd = open_stream (fixture, "/v1/watch?key=k", NULL);
  receive_until (fixture, fd, "snapshot_end");
  put (fixture, "k", "x");
  receive_until (fixture, fd, "\"value\":\"x\"}\n\n:\n\n:\n\n");
  g_assert_null (strstr (fixture->text->str, "progress"));
  close (fd);
}

static void
test_contract_streams_have_comments (Fixture *fixture, gconstpointer unused)
{
  int fd;

  fixture->limits.keep_alive_interval = 1;
  fd = open_stream (fixture, "/watch_key/k", NULL);
  receive_until (fixture, fd, "data: \n\n");
  put (fixture, "other", "x");
  receive_until (fixture, fd, "\n\n:\n\n:\n\n:\n\n");
  g_assert_null (strstr (fixture->text->str, "progress"));
  close (fd);
}

/* The client is told so, and gets a snapshot, in which only what is there is told. */
static void
test_client_that_lags_too_far_is_reset (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  g_autofree char *end = NULL;
  int fd = open_stream (fixture, "/v1/watch?prefix=k&key=gone", NULL);

  settle (fixture);
  for (guint i = 0; i < 200000; i++)
    {
      put (fixture, i % 2 == 0 ? "k1" : "gone", i % 1000 == 0 ? large : "small");
      if (i % 10000 == 0)
        settle (fixture);
    }
  put (fixture, "k1", "now");
  kv_store_delete (fixture->store, "gone", NULL);
  end = g_strdup_printf ("\"value\":\"now\",\"snapshot\":true}\n\nid: %" G_GUINT64_FORMAT
                         "\nevent: snapshot_end\n",
                         kv_store_get_revision (fixture->store));
  receive_until (fixture, fd, end);
  g_assert_true (
    g_regex_match_simple ("\n\nevent: reset\ndata: {\"oldest\":\\d+,\"current\":\\d+}\n\n"
                          "event: put\ndata: {\"key\":\"k1\"",
                          fixture->text->str, 0, 0));
  put (fixture, "k1", "later");
  receive_until (fixture, fd, "\"value\":\"later\"}\n\n");
  close (fd);
}

/* So many are one more than a send() takes. */
static void
test_transaction_carries_one_id (Fixture *fixture, gconstpointer unused)
{
  const char *keys[100];
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *end = NULL;
  guint64 revision;
  guint ids = 0, frames = 0;
  int fd = open_stream (fixture, "/v1/watch?prefix=p/&values=false", NULL);

  settle (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_ptr_array_add (names, g_strdup_printf (i < 90 ? "p/%u" : "q/%u", i));
      keys[i] = names->pdata[i];
    }
  receive_until (fixture, fd, "snapshot_end");
  g_string_truncate (fixture->text, 0);
  revision = put_together (fixture, keys, G_N_ELEMENTS (keys));
  end = g_strdup_printf ("id: %" G_GUINT64_FORMAT "\nevent: put\n", revision);
  receive_until (fixture, fd, end);
  settle (fixture);
  receive (fixture, fd);
  for (const char *at = fixture->text->str; (at = strstr (at, "event: put\n")) != NULL; at++)
    frames++;
  for (const char *at = fixture->text->str; (at = strstr (at, "id: ")) != NULL; at++)
    ids++;
  g_assert_cmpuint (frames, ==, 90);
  g_assert_cmpuint (ids, ==, 1);
  close (fd);
}

/* Absent keys are not told, so they do not count; nor do marks. */
static void
test_counts_what_is_told (Fixture *fixture, gconstpointer unused)
{
  int fd;

  put (fixture, "a", "1");
  fd = open_stream (fixture, "/v1/watch?key=a&key=b", "1");
  receive_until (fixture, fd, "snapshot_end");
  put (fixture, "b", "1");
  receive_until (fixture, fd, "\"b\"");
  g_assert_cmpuint (fixture->meter->events, ==, 2);
  g_assert_cmpuint (fixture->meter->resets, ==, 1);
  g_assert_cmpuint (fixture->meter->streams, ==, 1);
  close (fd);
}

static void
test_number_is_bounded (Fixture *fixture, gconstpointer unused)
{
  static const char *const targets[] = {
    "/v1/watch?key=a&key=b&key=c&key=d&key=e",
    "/v1/watch?key=a&key=b&key=c&key=d&prefix=e",
    "/v1/watch?prefix=a&prefix=b&prefix=c&prefix=d&key=e",
  };

  close (open_stream (fixture, "/v1/watch?key=a&key=b&prefix=c&prefix=d", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      const FakeRequest request = { .method = "GET", .target = targets[i] };
      g_auto (FakeAnswer) answer = { .fd = -1 };

      fake_exchange (&fixture->http, NULL, &request, &answer);
      g_assert_cmpuint (answer.status, ==, 400);
      g_assert_nonnull (strstr (answer.body->str, i == 0 ? "\"parameter\":\"key\",\"limit\":4"
                                                         : "\"parameter\":\"prefix\",\"limit\":4"));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add ("/http/events/" path, Fixture, NULL, set_up, func, tear_down)
  TEST ("snapshot-is-of-one-revision", test_snapshot_is_of_one_revision);
  TEST ("snapshot-ends-beside-other-writes", test_snapshot_ends_beside_other_writes);
  TEST ("progress-in-place-of-a-comment", test_progress_in_place_of_a_comment);
  TEST ("no-progress-behind-what-was-told", test_no_progress_behind_what_was_told);
  TEST ("contract-streams-have-comments", test_contract_streams_have_comments);
  TEST ("client-that-lags-too-far-is-reset", test_client_that_lags_too_far_is_reset);
  TEST ("transaction-carries-one-id", test_transaction_carries_one_id);
  TEST ("counts-what-is-told", test_counts_what_is_told);
  TEST ("number-is-bounded", test_number_is_bounded);
  return g_test_run ();
}
