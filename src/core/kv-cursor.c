/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-cursor.h"

#include "core/kv-random.h"

#include <string.h>

#define VERSION 1
#define HEAD_BYTES 2
#define SEAL_BYTES 16
#define MOST_BYTES (HEAD_BYTES + KV_KEY_MAX_BYTES + SEAL_BYTES)

/* Characters of base64, rounded up. */
#define MOST_CHARACTERS ((MOST_BYTES + 2) / 3 * 4)

static guint8 secret[32];

static gpointer
draw_secret (gpointer unused)
{
  kv_random_fill (secret, sizeof secret);
  return NULL;
}

/* With their lengths, so that no two scopes come to the same bytes. */
static void
add_text (GHmac *hmac, const char *text, gsize length)
{
  guint32 prefix = GUINT32_TO_LE ((guint32) length);

  g_hmac_update (hmac, (const guchar *) &prefix, sizeof prefix);
  if (length > 0)
    g_hmac_update (hmac, (const guchar *) text, (gssize) length);
}

static void
make_seal (const char *bytes, gsize length, const KvCursorScope *scope, guint8 seal[SEAL_BYTES])
{
  static GOnce once = G_ONCE_INIT;
  guint8 digest[32];
  gsize digest_length = sizeof digest;
  GHmac *hmac;

  g_once (&once, draw_secret, NULL);
  hmac = g_hmac_new (G_CHECKSUM_SHA256, secret, sizeof secret);
  add_text (hmac, bytes, length);
  add_text (hmac, scope->prefix, scope->prefix_length);
  add_text (hmac, scope->delimiter, scope->delimiter_length);
  g_hmac_get_digest (hmac, digest, &digest_length);
  g_hmac_unref (hmac);
  memcpy (seal, digest, SEAL_BYTES);
}

/* Base64 for addresses: no character of it has to be escaped there. */
static char *
encode_base64url (const char *bytes, gsize length)
{
  char *text = g_base64_encode ((const guchar *) bytes, length);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

/* GLib's decoder passes over what does not belong there, and over bits that are left. So the text has to be what the bytes
 * are as text. Returns: (nullable) */
static char *
decode_base64url (const char *text, gsize *length)
{
  char base64[MOST_CHARACTERS + 4] = "";
  gsize characters = strlen (text);
  g_autofree char *bytes = NULL, *again = NULL;

  if (characters == 0 || characters > MOST_CHARACTERS)
    return NULL;
  for (gsize i = 0; i < characters; i++)
    base64[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
  for (gsize i = characters; i % 4 != 0; i++)
    base64[i] = '=';
  bytes = (char *) g_base64_decode (base64, length);
  again = encode_base64url (bytes, *length);
  return g_str_equal (again, text) ? g_steal_pointer (&bytes) : NULL;
}

char *
kv_cursor_encode (const KvCursor *cursor, const KvCursorScope *scope)
{
  char bytes[MOST_BYTES] = { VERSION, cursor->past_folder ? 1 : 0 };
  gsize length = HEAD_BYTES + cursor->length;

  memcpy (bytes + HEAD_BYTES, cursor->text, cursor->length);
  make_seal (bytes, length, scope, (guint8 *) bytes + length);
  return encode_base64url (bytes, length + SEAL_BYTES);
}

/* Takes as long wherever the two differ. */
static gboolean
equal_seals (const guint8 *a, const guint8 *b)
{
  guint8 difference = 0;

  for (guint i = 0; i < SEAL_BYTES; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

static gboolean
is_sealed (const char *bytes, gsize length, const KvCursorScope *scope)
{
  guint8 seal[SEAL_BYTES];

  if (length <= HEAD_BYTES + SEAL_BYTES || length > MOST_BYTES)
    return FALSE;
  make_seal (bytes, length - SEAL_BYTES, scope, seal);
  return equal_seals (seal, (const guint8 *) bytes + length - SEAL_BYTES);
}

gboolean
kv_cursor_decode (const char *text, const KvCursorScope *scope, KvCursor *cursor, GError **error)
{
  gsize length;
  g_autofree char *bytes = decode_base64url (text, &length);

  if (bytes == NULL || !is_sealed (bytes, length, scope) || bytes[0] != VERSION)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                           "The cursor is not one that a listing of this prefix and delimiter has "
                           "given since the service was started");
      return FALSE;
    }
  cursor->past_folder = bytes[1] != 0;
  cursor->length = length - HEAD_BYTES - SEAL_BYTES;
  memcpy (cursor->text, bytes + HEAD_BYTES, cursor->length);
  return TRUE;
}
