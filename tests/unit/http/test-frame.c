/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-frame-batch.h"
#include "http/stream/kv-http-frame-cache.h"
#include "http/stream/kv-http-frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static KvEntry *
make_entry (const char *key, const char *value, gsize length)
{
  g_autoptr (GError) error = NULL;
  KvEntry *entry = kv_entry_new (key, -1, value, (gssize) length, KV_NO_DEADLINE, &error);

  g_assert_no_error (error);
  return entry;
}

static void
assert_bytes (GBytes *frame, const char *expected, gsize length)
{
  gsize size;
  const char *text = g_bytes_get_data (frame, &size);

  g_assert_cmpmem (text, size, expected, length);
}

static void
assert_frame (GBytes *frame, const char *expected)
{
  assert_bytes (frame, expected, strlen (expected));
}

static void
assert_snapshot (const char *value, gsize length, const char *expected, gsize expected_length)
{
  g_autoptr (KvEntry) entry = make_entry ("k1", value, length);
  g_autoptr (GBytes) frame = kv_http_frame_new_snapshot ("k1", entry);

  assert_bytes (frame, expected, expected_length);
}

/* Of string literals, so that they may hold U+0000. */
#define ASSERT_DATA(value, lines)                                                                  \
  assert_snapshot (value, sizeof value - 1, "event: WATCH key k1\n" lines "\n",                    \
                   sizeof ("event: WATCH key k1\n" lines "\n") - 1)

static void
test_snapshot (void)
{
  ASSERT_DATA ("value", "data: value\n");
  ASSERT_DATA ("caf\xc3\xa9", "data: caf\xc3\xa9\n");
}

static void
test_snapshot_of_absent_key (void)
{
  g_autoptr (GBytes) frame = kv_http_frame_new_snapshot ("k1", NULL);

  assert_frame (frame, "event: WATCH key k1\ndata: \n\n");
}

static void
test_lines (void)
{
  ASSERT_DATA ("", "data: \n");
  ASSERT_DATA ("a\nb", "data: a\ndata: b\n");
  ASSERT_DATA ("a\n", "data: a\ndata: \n");
  ASSERT_DATA ("\na", "data: \ndata: a\n");
  ASSERT_DATA ("\n\n", "data: \ndata: \ndata: \n");
  ASSERT_DATA (" a", "data:  a\n");
}

static void
test_carriage_returns (void)
{
  ASSERT_DATA ("a\rb", "data: a\xe2\x90\x8d"
                       "b\n");
  ASSERT_DATA ("a\r\nb", "data: a\xe2\x90\x8d\ndata: b\n");
  ASSERT_DATA ("\r", "data: \xe2\x90\x8d\n");
  ASSERT_DATA ("\r\r\n\r", "data: \xe2\x90\x8d\xe2\x90\x8d\ndata: \xe2\x90\x8d\n");
  ASSERT_DATA ("\\r\\n", "data: \\r\\n\n");
}

static void
test_injection (void)
{
  ASSERT_DATA ("x\n\nevent: PUT key other\ndata: y\n\n",
               "data: x\ndata: \ndata: event: PUT key other\ndata: data: y\ndata: \ndata: \n");
  ASSERT_DATA ("x\r\rid: 9\r\r", "data: x\xe2\x90\x8d\xe2\x90\x8did: 9\xe2\x90\x8d\xe2\x90\x8d\n");
  ASSERT_DATA ("\xe2\x80\xa8\xc2\x85\v\f", "data: \xe2\x80\xa8\xc2\x85\v\f\n");
}

static void
test_nul (void)
{
  ASSERT_DATA ("a\0b", "data: a\0b\n");
  ASSERT_DATA ("\0\n\0", "data: \0\ndata: \0\n");
}

static void
assert_change (KvChangeKind kind, gboolean last, const char *expected)
{
  g_auto (KvChange) change = { .revision = 17, .kind = kind, .last = last };
  g_autoptr (GBytes) frame = NULL;

  if (kind == KV_CHANGE_PUT || kind == KV_CHANGE_SWAP)
    change.entry = make_entry ("k 1", "new", 3);
  change.previous = make_entry ("k 1", "old", 3);
  frame = kv_http_frame_new_change (&change);
  assert_frame (frame, expected);
}

static void
test_changes (void)
{
  assert_change (KV_CHANGE_PUT, TRUE, "id: 17\nevent: PUT key k 1\ndata: new\n\n");
  assert_change (KV_CHANGE_SWAP, TRUE, "id: 17\nevent: COMPARE_AND_SWAP key k 1\ndata: new\n\n");
  assert_change (KV_CHANGE_DELETE, TRUE, "id: 17\nevent: DELETE key k 1\ndata: \n\n");
  assert_change (KV_CHANGE_EXPIRED, TRUE, "id: 17\nevent: EXPIRED key k 1\ndata: \n\n");
}

static void
test_id_only_on_the_last_of_a_revision (void)
{
  assert_change (KV_CHANGE_PUT, FALSE, "event: PUT key k 1\ndata: new\n\n");
}

static GBytes *
get_change (KvHttpFrameCache *cache, guint64 sequence, gsize length)
{
  g_autofree char *value = g_strnfill (length, 'v');
  g_auto (KvChange) change = { .revision = sequence, .sequence = sequence, .last = TRUE };

  change.entry = make_entry ("k1", value, length);
  return kv_http_frame_cache_get_change (cache, &change);
}

static void
test_cache_shares_changes (void)
{
  g_autoptr (KvHttpFrameCache) cache = kv_http_frame_cache_new (KV_HTTP_FRAME_LINES);

  for (guint64 i = 0; i < 1000; i++)
    {
      g_autoptr (GBytes) first = get_change (cache, i, 10);
      g_autoptr (GBytes) before = get_change (cache, i > 50 ? i - 50 : 0, 10);
      g_autoptr (GBytes) again = get_change (cache, i, 10);
      g_autofree char *id = g_strdup_printf ("id: %" G_GUINT64_FORMAT "\n", i);

      g_assert_true (first == again);
      g_assert_true (i == 0 || first != before);
      g_assert_true (g_str_has_prefix (g_bytes_get_data (first, NULL), id));
    }
}

/* A change within a transaction is the last of its revision for some streams, and not for others: they share two frames. */
static void
test_cache_tells_ends_of_revisions_apart (void)
{
  g_autoptr (KvHttpFrameCache) cache = kv_http_frame_cache_new (KV_HTTP_FRAME_LINES);
  g_auto (KvChange) change = { .revision = 9, .sequence = 300 };
  g_autoptr (GBytes) amid = NULL;
  g_autoptr (GBytes) last = NULL;
  g_autoptr (GBytes) amid_again = NULL;
  g_autoptr (GBytes) last_again = NULL;

  change.entry = make_entry ("k", "v", 1);
  amid = kv_http_frame_cache_get_change (cache, &change);
  amid_again = kv_http_frame_cache_get_change (cache, &change);
  change.last = TRUE;
  last = kv_http_frame_cache_get_change (cache, &change);
  last_again = kv_http_frame_cache_get_change (cache, &change);
  g_assert_true (amid == amid_again);
  g_assert_true (last == last_again);
  assert_frame (amid, "event: PUT key k\ndata: v\n\n");
  assert_frame (last, "id: 9\nevent: PUT key k\ndata: v\n\n");
}

static void
test_cache_is_bounded (void)
{
  const gsize megabyte = 1024 * 1024;
  g_autoptr (KvHttpFrameCache) cache = kv_http_frame_cache_new (KV_HTTP_FRAME_LINES);
  g_autoptr (GBytes) first = get_change (cache, 1, megabyte);
  g_autoptr (GBytes) first_again = get_change (cache, 1, megabyte);
  g_autoptr (GBytes) other = NULL;
  g_autoptr (GBytes) large = NULL;
  g_autoptr (GBytes) large_again = NULL;

  g_assert_true (first == first_again);
  for (guint64 i = 2; i < 10; i++)
    g_bytes_unref (get_change (cache, i, megabyte));
  other = get_change (cache, 1, megabyte);
  g_assert_true (other != first);

  large = get_change (cache, 20, 10 * megabyte);
  large_again = get_change (cache, 20, 10 * megabyte);
  g_assert_true (large == large_again);
}

static void
test_cache_shares_snapshots (void)
{
  g_autoptr (KvHttpFrameCache) cache = kv_http_frame_cache_new (KV_HTTP_FRAME_LINES);
  g_autoptr (KvEntry) entry = make_entry ("k1", "one", 3);
  g_autoptr (KvEntry) later = make_entry ("k1", "two", 3);
  g_autoptr (GBytes) first = kv_http_frame_cache_get_snapshot (cache, "k1", entry);
  g_autoptr (GBytes) absent = kv_http_frame_cache_get_snapshot (cache, "k2", NULL);
  g_autoptr (GBytes) again = kv_http_frame_cache_get_snapshot (cache, "k1", entry);
  g_autoptr (GBytes) other = kv_http_frame_cache_get_snapshot (cache, "k1", later);

  g_assert_true (first == again);
  assert_frame (other, "event: WATCH key k1\ndata: two\n\n");
  assert_frame (absent, "event: WATCH key k2\ndata: \n\n");
}

/* A socket with little room takes a few frames and a part of another at a time. */
static void
test_batch_in_parts (void)
{
  KvHttpFrameBatch batch = { 0 };
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GString) received = g_string_new (NULL);
  guint n_parts = 0;
  int ends[2], size = 1;
  gsize left;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==,
                   0);
  setsockopt (ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  for (guint i = 0; kv_http_frame_batch_has_room (&batch); i++)
    {
      char *frame = g_strnfill (1000 + i, (char) ('a' + i));

      g_string_append (expected, frame);
      kv_http_frame_batch_add (&batch, g_bytes_new_take (frame, strlen (frame)));
    }
  g_assert_cmpuint (batch.n_frames, ==, KV_HTTP_FRAME_BATCH_MAX);

  for (left = expected->len; batch.n_frames > 0; n_parts++)
    {
      char buffer[65536];
      gssize sent = kv_http_frame_batch_send (&batch, ends[0]);

      g_assert_cmpint (sent, >, 0);
      left -= (gsize) sent;
      g_assert_cmpuint (batch.bytes, ==, left);
      g_assert_cmpint (recv (ends[1], buffer, sizeof buffer, 0), ==, sent);
      g_string_append_len (received, buffer, sent);
    }
  g_assert_cmpuint (n_parts, >, 2);
  g_assert_true (g_string_equal (received, expected));
  close (ends[0]);
  close (ends[1]);
}

static void
test_batch_is_bounded (void)
{
  KvHttpFrameBatch batch = { 0 };
  int ends[2];

  kv_http_frame_batch_add (&batch, kv_http_frame_new_comment ());
  g_assert_true (kv_http_frame_batch_has_room (&batch));
  kv_http_frame_batch_add (&batch, g_bytes_new_take (g_malloc0 (1024 * 1024), 1024 * 1024));
  g_assert_false (kv_http_frame_batch_has_room (&batch));
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==,
                   0);
  close (ends[1]);
  g_assert_cmpint (kv_http_frame_batch_send (&batch, ends[0]), <, 0);
  g_assert_cmpint (errno, ==, EPIPE);
  g_assert_cmpuint (batch.n_frames, ==, 2);
  close (ends[0]);
  kv_http_frame_batch_clear (&batch);
  g_assert_true (kv_http_frame_batch_has_room (&batch));
  g_assert_cmpuint (batch.n_frames, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/frame/" path, func)
  TEST ("snapshot", test_snapshot);
  TEST ("snapshot-of-an-absent-key-has-empty-data", test_snapshot_of_absent_key);
  TEST ("a-value-of-several-lines", test_lines);
  TEST ("carriage-returns-are-shown-as-symbols", test_carriage_returns);
  TEST ("a-value-cannot-leave-its-lines", test_injection);
  TEST ("nul-passes", test_nul);
  TEST ("changes", test_changes);
  TEST ("cache-tells-ends-of-revisions-apart", test_cache_tells_ends_of_revisions_apart);
  TEST ("id-only-on-the-last-of-a-revision", test_id_only_on_the_last_of_a_revision);
  TEST ("cache/shares-changes", test_cache_shares_changes);
  TEST ("cache/is-bounded", test_cache_is_bounded);
  TEST ("cache/shares-snapshots", test_cache_shares_snapshots);
  TEST ("batch/leaves-in-parts", test_batch_in_parts);
  TEST ("batch/is-bounded", test_batch_is_bounded);
  return g_test_run ();
}
