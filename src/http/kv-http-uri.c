/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-uri.h"

#include "core/kv-error-details.h"

#include <string.h>

/* Into each of its callers, as keys come by here with each request. */
static G_ALWAYS_INLINE inline KvHttpDecoded
decode (KvHttpSpan text, gboolean plus_is_space, char *buffer, gsize size, gsize *length)
{
  gsize used = 0;

  if (!plus_is_space && memchr (text.data, '%', text.length) == NULL)
    {
      if (text.length > size)
        return KV_HTTP_NO_ROOM;
      memcpy (buffer, text.data, text.length);
      *length = text.length;
      return KV_HTTP_DECODED;
    }

  for (gsize i = 0; i < text.length; i++)
    {
      char c = text.data[i];

      if (c == '%')
        {
          int high = i + 1 < text.length ? g_ascii_xdigit_value (text.data[i + 1]) : -1;
          int low = i + 2 < text.length ? g_ascii_xdigit_value (text.data[i + 2]) : -1;

          if (high < 0 || low < 0)
            return KV_HTTP_BROKEN_ESCAPE;
          c = (char) (high << 4 | low);
          i += 2;
        }
      else if (c == '+' && plus_is_space)
        c = ' ';
      if (used == size)
        return KV_HTTP_NO_ROOM;
      buffer[used++] = c;
    }
  *length = used;
  return KV_HTTP_DECODED;
}

KvHttpDecoded
kv_http_uri_decode (KvHttpSpan text,
                    gboolean plus_is_space,
                    char *buffer,
                    gsize size,
                    gsize *length)
{
  return decode (text, plus_is_space, buffer, size, length);
}

gboolean
kv_http_uri_decode_key (KvHttpSpan segment, KvHttpKey *key, GError **error)
{
  switch (decode (segment, FALSE, key->text, KV_KEY_MAX_BYTES, &key->length))
    {
    case KV_HTTP_BROKEN_ESCAPE:
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_KEY,
                           "The path holds a '%' that two hexadecimal digits do not follow");
      return FALSE;
    case KV_HTTP_NO_ROOM:
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_KEY, "The key is longer than %d bytes",
                   KV_KEY_MAX_BYTES);
      return FALSE;
    case KV_HTTP_DECODED:
      break;
    }
  key->text[key->length] = '\0';
  return kv_key_validate (key->text, (gssize) key->length, error);
}

/* Whether @text is @name when decoded. Names of ours are short, so what does not fit is not
 * ours. */
static gboolean
is_named (KvHttpSpan text, const char *name)
{
  char decoded[32];
  gsize length;

  return decode (text, TRUE, decoded, sizeof decoded, &length) == KV_HTTP_DECODED
         && length == strlen (name) && memcmp (decoded, name, length) == 0;
}

static G_ALWAYS_INLINE inline gboolean
next_pair (KvHttpSpan *rest, KvHttpPair *pair)
{
  const char *start = rest->data;
  const char *end, *stop, *equals;

  if (start == NULL)
    return FALSE;
  end = start + rest->length;
  stop = memchr (start, '&', rest->length);
  *rest = stop != NULL ? (KvHttpSpan){ stop + 1, end - stop - 1 } : (KvHttpSpan){ NULL, 0 };
  stop = stop != NULL ? stop : end;
  equals = memchr (start, '=', stop - start);
  pair->name = (KvHttpSpan){ start, (equals != NULL ? equals : stop) - start };
  pair->value =
    equals != NULL ? (KvHttpSpan){ equals + 1, stop - equals - 1 } : (KvHttpSpan){ NULL, 0 };
  return TRUE;
}

gboolean
kv_http_uri_next_pair (KvHttpSpan *rest, KvHttpPair *pair)
{
  return next_pair (rest, pair);
}

gboolean
kv_http_uri_get_parameter (KvHttpSpan query,
                           const char *name,
                           char *buffer,
                           gsize size,
                           KvHttpSpan *value,
                           GError **error)
{
  KvHttpPair pair;

  *value = (KvHttpSpan){ NULL, 0 };
  if (query.data == NULL)
    return TRUE;
  while (next_pair (&query, &pair))
    {
      if (!is_named (pair.name, name))
        continue;
      if (value->data != NULL)
        return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, name,
                                   "The parameter \"%s\" is there more than once", name);
      if (pair.value.data == NULL)
        pair.value.data = "";
      if (decode (pair.value, TRUE, buffer, size, &value->length) != KV_HTTP_DECODED)
        return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, name,
                                   "The parameter \"%s\" cannot be read", name);
      value->data = buffer;
    }
  return TRUE;
}

gboolean
kv_http_uri_parse_decimal (KvHttpSpan text, guint64 *value)
{
  guint64 sum = 0;

  if (text.length == 0)
    return FALSE;
  for (gsize i = 0; i < text.length; i++)
    {
      guint digit = (guint) g_ascii_digit_value (text.data[i]);

      if (digit > 9 || !g_uint64_checked_mul (&sum, sum, 10)
          || !g_uint64_checked_add (&sum, sum, digit))
        return FALSE;
    }
  *value = sum;
  return TRUE;
}
