/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-clock.h"
#include "core/kv-entry-private.h"
#include "http/stream/kv-http-frame-cache.h"
#include "http/stream/kv-http-json-frame.h"

#include <string.h>

#define PLAIN KV_HTTP_FRAME_JSON
#define VALUES (KV_HTTP_FRAME_JSON | KV_HTTP_FRAME_VALUES)
#define ALL (KV_HTTP_FRAME_JSON | KV_HTTP_FRAME_VALUES | KV_HTTP_FRAME_PREVIOUS)

static KvEntry *
make_entry (const char *key, const char *value, gsize length, guint64 revision, gint64 deadline)
{
  g_autoptr (GError) error = NULL;
  KvEntry *entry = kv_entry_new (key, -1, value, (gssize) length, deadline, &error);

  g_assert_no_error (error);
  kv_entry_seal (entry, revision);
  return entry;
}

static KvChange
make_change (KvChangeKind kind, gboolean last)
{
  KvChange change = { .revision = 17, .sequence = 300, .kind = kind, .last = last };

  if (kind == KV_CHANGE_PUT || kind == KV_CHANGE_SWAP)
    change.entry = make_entry ("k 1", "new", 3, 17, KV_NO_DEADLINE);
  change.previous = make_entry ("k 1", "old", 3, 16, KV_NO_DEADLINE);
  return change;
}

/* Takes @frame. */
static void
assert_frame (GBytes *frame, const char *expected)
{
  gsize size;
  const char *text = g_bytes_get_data (frame, &size);

  g_assert_cmpmem (text, size, expected, strlen (expected));
  g_bytes_unref (frame);
}

static void
assert_change (KvChangeKind kind, gboolean last, KvHttpFrameShape shape, const char *expected)
{
  g_auto (KvChange) change = make_change (kind, last);

  assert_frame (kv_http_json_frame_new_change (&change, shape), expected);
}

static void
test_changes (void)
{
  assert_change (
    KV_CHANGE_PUT, TRUE, VALUES,
    "id: 17\nevent: put\ndata: {\"key\":\"k 1\",\"revision\":17,\"value\":\"new\"}\n\n");
  assert_change (KV_CHANGE_SWAP, TRUE, VALUES,
                 "id: 17\nevent: put\ndata: {\"key\":\"k 1\",\"revision\":17,\"value\":\"new\","
                 "\"cause\":\"swap\"}\n\n");
  assert_change (KV_CHANGE_DELETE, TRUE, VALUES,
                 "id: 17\nevent: delete\ndata: {\"key\":\"k 1\",\"revision\":17}\n\n");
  assert_change (KV_CHANGE_EXPIRED, TRUE, VALUES,
                 "id: 17\nevent: expired\ndata: {\"key\":\"k 1\",\"revision\":17}\n\n");
}

static void
test_id_only_on_the_last_of_a_revision (void)
{
  assert_change (KV_CHANGE_PUT, FALSE, PLAIN,
                 "event: put\ndata: {\"key\":\"k 1\",\"revision\":17}\n\n");
}

static void
test_previous (void)
{
  g_auto (KvChange) created = { .revision = 17, .last = TRUE };

  assert_change (KV_CHANGE_PUT, TRUE, ALL,
                 "id: 17\nevent: put\ndata: {\"key\":\"k 1\",\"revision\":17,\"value\":\"new\","
                 "\"prev\":{\"revision\":16,\"value\":\"old\"}}\n\n");
  assert_change (KV_CHANGE_DELETE, TRUE, PLAIN | KV_HTTP_FRAME_PREVIOUS,
                 "id: 17\nevent: delete\ndata: {\"key\":\"k 1\",\"revision\":17,"
                 "\"prev\":{\"revision\":16}}\n\n");
  created.entry = make_entry ("k", "", 0, 17, KV_NO_DEADLINE);
  assert_frame (kv_http_json_frame_new_change (&created, ALL),
                "id: 17\nevent: put\ndata: {\"key\":\"k\",\"revision\":17,\"value\":\"\","
                "\"prev\":null}\n\n");
}

static void
test_snapshot (void)
{
  g_autoptr (KvEntry) entry = make_entry ("k", "v", 1, 9, KV_NO_DEADLINE);

  assert_frame (kv_http_json_frame_new_snapshot (entry, ALL),
                "event: put\ndata: {\"key\":\"k\",\"revision\":9,\"value\":\"v\","
                "\"snapshot\":true}\n\n");
}

static void
test_late (void)
{
  g_auto (KvChange) put = make_change (KV_CHANGE_PUT, TRUE);
  g_auto (KvChange) gone = make_change (KV_CHANGE_DELETE, TRUE);

  assert_frame (kv_http_json_frame_new_late (&put, ALL),
                "event: put\ndata: {\"key\":\"k 1\",\"revision\":17,\"value\":\"new\","
                "\"snapshot\":true}\n\n");
  assert_frame (kv_http_json_frame_new_late (&gone, ALL),
                "event: delete\ndata: {\"key\":\"k 1\",\"revision\":17,\"snapshot\":true}\n\n");
}

static void
test_expires (void)
{
  g_autoptr (KvEntry) entry = make_entry ("k", "v", 1, 9, kv_clock_now () + G_TIME_SPAN_HOUR);
  g_autoptr (GBytes) frame = kv_http_json_frame_new_snapshot (entry, PLAIN);
  g_autofree char *text = g_strndup (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame));

  g_assert_true (g_regex_match_simple ("\"revision\":9,\"expires\":\"\\d{4}-\\d\\d-\\d\\dT"
                                       "\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\",\"snapshot\":true}\n\n$",
                                       text, 0, 0));
}

/* Nothing that would end a line for an event source, in key or value. */
static void
test_stays_in_its_line (void)
{
  static const char value[] = "a\r\nid: 1\n\n\r\0\"\\\xe2\x80\xa8\x7f";
  g_autoptr (KvEntry) entry =
    make_entry ("k\"\\\xe2\x80\xa8", value, sizeof value - 1, 9, KV_NO_DEADLINE);

  assert_frame (kv_http_json_frame_new_snapshot (entry, VALUES),
                "event: put\ndata: {\"key\":\"k\\\"\\\\\xe2\x80\xa8\",\"revision\":9,"
                "\"value\":\"a\\r\\nid: 1\\n\\n\\r\\u0000\\\"\\\\\xe2\x80\xa8\x7f\","
                "\"snapshot\":true}\n\n");
}

static void
test_marks (void)
{
  assert_frame (kv_http_json_frame_new_snapshot_end (5),
                "id: 5\nevent: snapshot_end\ndata: {\"revision\":5}\n\n");
  assert_frame (kv_http_json_frame_new_progress (6),
                "id: 6\nevent: progress\ndata: {\"revision\":6}\n\n");
  assert_frame (kv_http_json_frame_new_reset (3, 7),
                "event: reset\ndata: {\"oldest\":3,\"current\":7}\n\n");
}

static void
test_cache_shares (void)
{
  g_autoptr (KvHttpFrameCache) cache = kv_http_frame_cache_new (ALL);
  g_autoptr (KvHttpFrameCache) other = kv_http_frame_cache_new (PLAIN);
  g_auto (KvChange) change = make_change (KV_CHANGE_PUT, TRUE);
  g_autoptr (GBytes) first = kv_http_frame_cache_get_change (cache, &change);
  g_autoptr (GBytes) again = kv_http_frame_cache_get_change (cache, &change);
  g_autoptr (GBytes) snapshot = kv_http_frame_cache_get_snapshot (cache, "k 1", change.entry);
  g_autoptr (GBytes) reached = kv_http_frame_cache_get_progress (cache, 5);
  g_autoptr (GBytes) reached_again = kv_http_frame_cache_get_progress (cache, 5);

  g_assert_true (first == again);
  g_assert_true (snapshot != first);
  g_assert_true (reached == reached_again);
  assert_frame (kv_http_frame_cache_get_progress (cache, 6),
                "id: 6\nevent: progress\ndata: {\"revision\":6}\n\n");
  assert_frame (kv_http_frame_cache_get_change (other, &change),
                "id: 17\nevent: put\ndata: {\"key\":\"k 1\",\"revision\":17}\n\n");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/json-frame/" path, func)
  TEST ("changes", test_changes);
  TEST ("id-only-on-the-last-of-a-revision", test_id_only_on_the_last_of_a_revision);
  TEST ("previous", test_previous);
  TEST ("snapshot", test_snapshot);
  TEST ("late-changes-belong-to-the-snapshot", test_late);
  TEST ("expires", test_expires);
  TEST ("stays-in-its-line", test_stays_in_its_line);
  TEST ("marks", test_marks);
  TEST ("cache-shares-within-a-shape", test_cache_shares);
  return g_test_run ();
}
