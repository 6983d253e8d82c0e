/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-chunked.h"

#include <string.h>

/* Enough for any size that a limit allows, with some leading zeros. */
#define MAX_DIGITS 16

enum {
  STATE_SIZE,
  STATE_EXTENSION,
  STATE_SIZE_LF,
  STATE_DATA,
  STATE_DATA_CR,
  STATE_DATA_LF,
  STATE_TRAILER_START,
  STATE_TRAILER,
  STATE_TRAILER_LF,
  STATE_END_LF,
  STATE_END,
};

void
kv_http_chunked_init (KvHttpChunked *chunked, gsize limit)
{
  memset (chunked, 0, sizeof *chunked);
  chunked->state = STATE_SIZE;
  chunked->room = limit;
}

static gboolean
is_text (char c)
{
  return c == '\t' || ((guint8) c >= ' ' && c != 0x7f);
}

static gboolean
is_token (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static KvHttpChunkedResult
take_size (KvHttpChunked *chunked, char c)
{
  if (g_ascii_isxdigit (c))
    {
      if (++chunked->digits > MAX_DIGITS)
        return KV_HTTP_CHUNKED_MALFORMED;
      chunked->chunk = chunked->chunk << 4 | (guint64) g_ascii_xdigit_value (c);
      return KV_HTTP_CHUNKED_INCOMPLETE;
    }
  if (chunked->digits == 0 || (c != '\r' && c != ';'))
    return KV_HTTP_CHUNKED_MALFORMED;
  chunked->state = c == '\r' ? STATE_SIZE_LF : STATE_EXTENSION;
  return KV_HTTP_CHUNKED_INCOMPLETE;
}

static KvHttpChunkedResult
take_extension (KvHttpChunked *chunked, char c)
{
  if (c == '\r')
    chunked->state = STATE_SIZE_LF;
  else if (!is_text (c) || ++chunked->extensions > KV_HTTP_CHUNKED_MAX_EXTENSIONS)
    return KV_HTTP_CHUNKED_MALFORMED;
  return KV_HTTP_CHUNKED_INCOMPLETE;
}

static KvHttpChunkedResult
take_size_end (KvHttpChunked *chunked, char c)
{
  if (c != '\n')
    return KV_HTTP_CHUNKED_MALFORMED;
  if (chunked->chunk > chunked->room)
    return KV_HTTP_CHUNKED_TOO_LARGE;
  chunked->state = chunked->chunk > 0 ? STATE_DATA : STATE_TRAILER_START;
  return KV_HTTP_CHUNKED_INCOMPLETE;
}

/* A trailer is a header line behind the body. None means anything here, but a body that ends in
 * something else is not whole. */
static KvHttpChunkedResult
take_trailer (KvHttpChunked *chunked, char c)
{
  if (++chunked->trailers > KV_HTTP_CHUNKED_MAX_TRAILERS)
    return KV_HTTP_CHUNKED_MALFORMED;

  if (chunked->state == STATE_TRAILER_START)
    {
      chunked->named = FALSE;
      chunked->state = c == '\r' ? STATE_END_LF : STATE_TRAILER;
      return c == '\r' || is_token (c) ? KV_HTTP_CHUNKED_INCOMPLETE : KV_HTTP_CHUNKED_MALFORMED;
    }
  if (!chunked->named)
    {
      chunked->named = c == ':';
      return c == ':' || is_token (c) ? KV_HTTP_CHUNKED_INCOMPLETE : KV_HTTP_CHUNKED_MALFORMED;
    }
  if (c == '\r')
    chunked->state = STATE_TRAILER_LF;
  else if (!is_text (c))
    return KV_HTTP_CHUNKED_MALFORMED;
  return KV_HTTP_CHUNKED_INCOMPLETE;
}

/* Takes one byte that has to be @wanted, and goes on with @next. */
static KvHttpChunkedResult
take_exactly (KvHttpChunked *chunked, char c, char wanted, guint next)
{
  chunked->state = next;
  return c == wanted ? KV_HTTP_CHUNKED_INCOMPLETE : KV_HTTP_CHUNKED_MALFORMED;
}

static KvHttpChunkedResult
take_byte (KvHttpChunked *chunked, char c)
{
  switch (chunked->state)
    {
    case STATE_SIZE:
      return take_size (chunked, c);
    case STATE_EXTENSION:
      return take_extension (chunked, c);
    case STATE_SIZE_LF:
      return take_size_end (chunked, c);
    case STATE_DATA_CR:
      return take_exactly (chunked, c, '\r', STATE_DATA_LF);
    case STATE_DATA_LF:
      chunked->digits = 0;
      return take_exactly (chunked, c, '\n', STATE_SIZE);
    case STATE_TRAILER_START:
    case STATE_TRAILER:
      return take_trailer (chunked, c);
    case STATE_TRAILER_LF:
      return take_exactly (chunked, c, '\n', STATE_TRAILER_START);
    case STATE_END_LF:
      chunked->state = STATE_END;
      return c == '\n' ? KV_HTTP_CHUNKED_COMPLETE : KV_HTTP_CHUNKED_MALFORMED;
    default:
      g_assert_not_reached ();
    }
}

KvHttpChunkedResult
kv_http_chunked_decode (KvHttpChunked *chunked,
                        const char *input,
                        gsize length,
                        char *output,
                        gsize *consumed,
                        gsize *produced)
{
  KvHttpChunkedResult result = KV_HTTP_CHUNKED_INCOMPLETE;
  gsize in = 0;
  gsize out = 0;

  while (in < length && result == KV_HTTP_CHUNKED_INCOMPLETE)
    {
      gsize part;

      if (chunked->state != STATE_DATA)
        {
          result = take_byte (chunked, input[in++]);
          continue;
        }
      part = (gsize) MIN (chunked->chunk, length - in);
      memmove (output + out, input + in, part);
      in += part;
      out += part;
      chunked->chunk -= part;
      chunked->room -= part;
      if (chunked->chunk == 0)
        chunked->state = STATE_DATA_CR;
    }
  *consumed = in;
  *produced = out;
  return result;
}
