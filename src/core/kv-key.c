/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-key.h"

#include "core/kv-bytes.h"
#include "core/kv-error.h"

#include <string.h>

/* How many bytes at the start, of which many at a time are looked at, are ASCII. Most texts are that from end to end, and
 * GLib's validator looks at each byte. What is left at the end of a text is looked at together with what stands before it. */
static gsize
measure_ascii (const char *text, gsize length)
{
  gsize measured = 0;
  guint64 words[4];

  for (; length - measured >= sizeof words; measured += sizeof words)
    {
      memcpy (words, text + measured, sizeof words);
      if (!kv_bytes_are_ascii (words[0] | words[1] | words[2] | words[3]))
        break;
    }
  for (; length - measured >= sizeof *words; measured += sizeof *words)
    {
      memcpy (words, text + measured, sizeof *words);
      if (!kv_bytes_are_ascii (*words))
        return measured;
    }
  if (length >= sizeof *words)
    memcpy (words, text + length - sizeof *words, sizeof *words);
  else
    *words = kv_bytes_load_tail (text, length);
  return kv_bytes_are_ascii (*words) ? length : measured;
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

/* Whether a key is ASCII without control characters, as most are, so that nothing more need be asked. */
static gboolean
is_plain (const char *key, gsize length)
{
  guint64 word;

  if (length < sizeof word)
    return kv_bytes_are_plain (kv_bytes_load_tail (key, length)
                               | KV_EACH_BYTE (' ') << (8 * length));
  for (gsize i = 0; length - i > sizeof word; i += sizeof word)
    {
      memcpy (&word, key + i, sizeof word);
      if (!kv_bytes_are_plain (word))
        return FALSE;
    }
  memcpy (&word, key + length - sizeof word, sizeof word);
  return kv_bytes_are_plain (word);
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
  if (is_plain (key, bytes))
    return TRUE;
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
