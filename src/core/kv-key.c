/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-key.h"

#include "core/kv-bytes.h"
#include "core/kv-error.h"

#include <string.h>

/* How many bytes at the start, of which eight at a time are looked at, are ASCII. Most texts are
 * that from end to end, and GLib's validator looks at each byte. */
static gsize
measure_ascii (const char *text, gsize length)
{
  gsize measured = 0;
  guint64 word;

  for (; length - measured >= sizeof word; measured += sizeof word)
    {
      memcpy (&word, text + measured, sizeof word);
      if (!kv_bytes_are_ascii (word))
        break;
    }
  while (measured < length && (guchar) text[measured] < 0x80)
    measured++;
  return measured;
}

/* UTF-8 (RFC 3629) with U+0000 allowed: GLib's validator takes U+0000 for an end, so it is asked about what stands between. */
static gboolean
is_utf8 (const char *text, gsize length)
{
  const char *end = text + length;

  text += measure_ascii (text, length);
  while (text < end)
    {
      const char *stop;

      if (g_utf8_validate_len (text, end - text, &stop))
        return TRUE;
      if (*stop != '\0')
        return FALSE;
      text = stop + 1;
    }

  return TRUE;
}

static gboolean
holds_control (const char *text, gsize length)
{
  gsize i = 0;
  guint64 word;

  for (; length - i >= sizeof word; i += sizeof word)
    {
      memcpy (&word, text + i, sizeof word);
      if (kv_bytes_may_hold_control (word))
        break;
    }
  for (; i < length; i++)
    if ((guchar) text[i] < 0x20 || text[i] == 0x7f)
      return TRUE;

  return FALSE;
}

gboolean
kv_key_validate (const char *key, gssize length, GError **error)
{
  gsize bytes = length < 0 ? strlen (key) : (gsize) length;

  if (bytes == 0)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_KEY, "The key is empty");
      return FALSE;
    }
  if (bytes > KV_KEY_MAX_BYTES)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_KEY, "The key is longer than %d bytes",
                   KV_KEY_MAX_BYTES);
      return FALSE;
    }
  if (holds_control (key, bytes))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_KEY,
                           "The key holds a control character");
      return FALSE;
    }
  if (!is_utf8 (key, bytes))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_KEY, "The key is not valid UTF-8");
      return FALSE;
    }

  return TRUE;
}

gboolean
kv_value_validate (const char *value, gsize length, GError **error)
{
  if (length > G_MAXINT32)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_TOO_LARGE, "The value is too long");
      return FALSE;
    }
  if (!is_utf8 (value, length))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_VALUE, "The value is not valid UTF-8");
      return FALSE;
    }

  return TRUE;
}
