/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fuzz-reader.h"

#include "http/wire/kv-http-chunked.h"

#include <string.h>

static void
request_free (gpointer data)
{
  FuzzRequest *request = data;

  g_free (request->head_bytes);
  g_free (request->method);
  g_free (request->target);
  g_string_free (request->body, TRUE);
  g_free (request);
}

static char *
copy_span (const char *data, KvHttpHeadSpan span)
{
  return g_strndup (data + span.offset, span.length);
}

/* The same head in two pieces, wherever the cut is: the first is never condemned for what the whole
 * is not, and what has been scanned of it is not scanned again. */
static void
check_pieces (const KvHttpHead *whole, KvHttpHeadResult expected, const char *data, gsize length)
{
  gsize end = expected == KV_HTTP_HEAD_COMPLETE ? whole->length : length;
  gsize step = MAX (end / 64, 1);
  g_autofree KvHttpHead *head = g_new (KvHttpHead, 1);
  gsize scanned = 0;

  for (gsize cut = 1; cut < end; cut += step)
    {
      /* A copy, so that a look beyond the piece is seen by the sanitizer. */
      g_autofree char *piece = g_memdup2 (data, cut);
      KvHttpHeadResult result = kv_http_head_parse (head, piece, cut, FUZZ_MAX_HEAD, &scanned);

      if (result == KV_HTTP_HEAD_INCOMPLETE)
        continue;
      g_assert_cmpint (result, ==, KV_HTTP_HEAD_REFUSED);
      g_assert_cmpint (expected, ==, KV_HTTP_HEAD_REFUSED);
      return;
    }
  g_assert_cmpint (kv_http_head_parse (head, data, length, FUZZ_MAX_HEAD, &scanned), ==, expected);
  if (expected == KV_HTTP_HEAD_COMPLETE)
    {
      gsize used = offsetof (KvHttpHead, fields) + whole->n_fields * sizeof whole->fields[0];

      g_assert_true (memcmp (head, whole, used) == 0);
    }
  if (expected == KV_HTTP_HEAD_REFUSED)
    g_assert_cmpuint (head->status, ==, whole->status);
}

static KvHttpHeadResult
read_head (KvHttpHead *head, const char *data, gsize length)
{
  gsize scanned = 0;
  KvHttpHeadResult result;

  memset (head, 0, sizeof *head);
  result = kv_http_head_parse (head, data, length, FUZZ_MAX_HEAD, &scanned);
  switch (result)
    {
    case KV_HTTP_HEAD_INCOMPLETE:
      break;
    case KV_HTTP_HEAD_COMPLETE:
      g_assert_cmpuint (head->length, <=, length);
      g_assert_cmpuint (head->status, ==, 0);
      break;
    case KV_HTTP_HEAD_REFUSED:
      g_assert_cmpuint (head->status, >=, 400);
      g_assert_nonnull (head->reason);
      break;
    }
  return result;
}

static KvHttpChunkedResult
decode_byte_by_byte (const char *data, gsize length, GString *body, gsize *used)
{
  KvHttpChunkedResult result = KV_HTTP_CHUNKED_INCOMPLETE;
  KvHttpChunked chunked;

  kv_http_chunked_init (&chunked, FUZZ_MAX_BODY);
  for (*used = 0; *used < length && result == KV_HTTP_CHUNKED_INCOMPLETE; (*used)++)
    {
      gsize consumed, produced;
      char byte;

      result = kv_http_chunked_decode (&chunked, data + *used, 1, &byte, &consumed, &produced);
      g_assert_cmpuint (consumed, ==, 1);
      g_string_append_len (body, &byte, (gssize) produced);
    }
  return result;
}

/* Returns whether the body is whole and good. */
static gboolean
read_chunks (GString *body, const char *data, gsize length, gsize *used)
{
  g_autoptr (GString) other = g_string_new (NULL);
  KvHttpChunked chunked;
  KvHttpChunkedResult result;
  gsize produced, other_used;

  g_string_set_size (body, length);
  kv_http_chunked_init (&chunked, FUZZ_MAX_BODY);
  result = kv_http_chunked_decode (&chunked, data, length, body->str, used, &produced);
  g_string_set_size (body, produced);

  g_assert_cmpint (decode_byte_by_byte (data, length, other, &other_used), ==, result);
  if (result == KV_HTTP_CHUNKED_COMPLETE)
    {
      g_assert_cmpuint (other_used, ==, *used);
      g_assert_cmpmem (other->str, other->len, body->str, body->len);
    }
  return result == KV_HTTP_CHUNKED_COMPLETE;
}

static gboolean
read_body (FuzzRequest *request, const char *data, gsize length, gsize *used)
{
  const KvHttpHead *head = &request->head;

  if (head->chunked)
    return read_chunks (request->body, data, length, used);
  if (head->content_length > length)
    return FALSE;
  *used = (gsize) head->content_length;
  g_string_append_len (request->body, data, (gssize) *used);
  return TRUE;
}

static gsize
measure_longest_line (const char *data, gsize length)
{
  gsize longest = 0;
  gsize start = 0;

  for (gsize i = 0; i < length; i++)
    if (data[i] == '\n' || i + 1 == length)
      {
        longest = MAX (longest, i + 1 - start);
        start = i + 1;
      }
  return longest;
}

/* Whether a line, which is of the end of a good body in chunks, is the last chunk's. */
static gboolean
is_last_chunk (const char *line, gsize length)
{
  gsize zeros = 0;

  while (zeros < length && line[zeros] == '0')
    zeros++;
  return zeros > 0 && (line[zeros] == ';' || line[zeros] == '\r');
}

/* Goes back from the end, where an empty line stands. */
static guint
count_trailers (const char *data, gsize length)
{
  gsize end = length - 2;
  guint n = 0;

  while (end > 0)
    {
      const char *feed = memrchr (data, '\n', end - 1);
      gsize start = feed != NULL ? (gsize) (feed + 1 - data) : 0;

      if (is_last_chunk (data + start, end - start))
        return n;
      end = start;
      n++;
    }
  g_assert_not_reached ();
}

static void
copy_head (FuzzRequest *request, const char *data)
{
  const KvHttpHead *head = &request->head;
  KvHttpHeadSpan target = head->path;

  if (head->has_query)
    target.length = head->query.offset + head->query.length - target.offset;
  request->head_bytes = g_strndup (data, head->length);
  request->method = copy_span (data, head->method);
  request->target = copy_span (data, target);
}

/* Returns how many bytes @request is; 0 when it is not whole, or refused. */
static gsize
read_request (FuzzReader *reader, FuzzRequest *request, const char *data, gsize length)
{
  const KvHttpHead *head = &request->head;
  KvHttpHeadResult result = read_head (&request->head, data, length);
  gsize used;

  check_pieces (head, result, data, length);
  request->body = g_string_new (NULL);
  if (result == KV_HTTP_HEAD_REFUSED)
    reader->refused = head->status;
  if (result != KV_HTTP_HEAD_COMPLETE)
    return 0;

  copy_head (request, data);
  if (!read_body (request, data + head->length, length - head->length, &used))
    {
      reader->cut_off_is_head = g_str_equal (request->method, "HEAD");
      return 0;
    }
  request->longest_line = measure_longest_line (data + head->length, used);
  if (head->chunked)
    request->n_trailers = count_trailers (data + head->length, used);
  return head->length + used;
}

void
fuzz_reader_read (FuzzReader *reader, const char *data, gsize length)
{
  gboolean goes_on = TRUE;

  *reader = (FuzzReader){ .requests = g_ptr_array_new_with_free_func (request_free) };
  while (goes_on && reader->length < length)
    {
      FuzzRequest *request = g_new0 (FuzzRequest, 1);
      gsize used = read_request (reader, request, data + reader->length, length - reader->length);

      goes_on = used > 0 && request->head.keep_alive;
      reader->length += used;
      if (used > 0)
        g_ptr_array_add (reader->requests, request);
      else
        request_free (request);
    }
}

void
fuzz_reader_clear (FuzzReader *reader)
{
  g_clear_pointer (&reader->requests, g_ptr_array_unref);
}
