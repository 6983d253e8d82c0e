/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/wire/kv-dbus-reader.h"

#include "dbus/wire/kv-dbus-grammar.h"
#include "dbus/wire/kv-dbus-types.h"

#include <string.h>

/* From the specification: all containers together. */
#define MAX_DEPTH 64

void
kv_dbus_reader_init (KvDbusReader *reader, const guint8 *data, gsize length, gboolean swapped)
{
  *reader = (KvDbusReader){ .data = data, .length = length, .swapped = swapped };
}

/* --- steps --- */

/* Nothing is to be had any more from a cursor that has failed, whatever the caller goes on to ask for. */
static gboolean
fail (KvDbusReader *reader)
{
  reader->position = reader->length;
  reader->failed = TRUE;

  return FALSE;
}

static gboolean
align (KvDbusReader *reader, gsize alignment)
{
  gsize target = (reader->position + alignment - 1) & ~(alignment - 1);

  if (target > reader->length)
    return fail (reader);
  for (; reader->position < target; reader->position++)
    {
      if (reader->data[reader->position] != 0)
        return fail (reader);
    }

  return TRUE;
}

/* Gives the next @size bytes; %NULL when there are not so many. */
static const guint8 *
take (KvDbusReader *reader, gsize size)
{
  const guint8 *bytes = reader->data + reader->position;

  if (size > reader->length - reader->position)
    {
      fail (reader);
      return NULL;
    }
  reader->position += size;

  return bytes;
}

/* A number of @size bytes, in the order of this machine. */
static gboolean
take_number (KvDbusReader *reader, void *number, gsize size)
{
  const guint8 *bytes = align (reader, size) ? take (reader, size) : NULL;

  if (bytes != NULL)
    memcpy (number, bytes, size);

  return bytes != NULL;
}

guint8
kv_dbus_reader_take_byte (KvDbusReader *reader)
{
  guint8 number = 0;

  take_number (reader, &number, sizeof number);

  return number;
}

guint16
kv_dbus_reader_take_uint16 (KvDbusReader *reader)
{
  guint16 number = 0;

  take_number (reader, &number, sizeof number);

  return reader->swapped ? GUINT16_SWAP_LE_BE (number) : number;
}

guint32
kv_dbus_reader_take_uint32 (KvDbusReader *reader)
{
  guint32 number = 0;

  take_number (reader, &number, sizeof number);

  return reader->swapped ? GUINT32_SWAP_LE_BE (number) : number;
}

guint64
kv_dbus_reader_take_uint64 (KvDbusReader *reader)
{
  guint64 number = 0;

  take_number (reader, &number, sizeof number);

  return reader->swapped ? GUINT64_SWAP_LE_BE (number) : number;
}

double
kv_dbus_reader_take_double (KvDbusReader *reader)
{
  guint64 bits = kv_dbus_reader_take_uint64 (reader);
  double number;

  memcpy (&number, &bits, sizeof number);

  return number;
}

gboolean
kv_dbus_reader_take_boolean (KvDbusReader *reader)
{
  guint32 number = kv_dbus_reader_take_uint32 (reader);

  if (number > 1)
    return fail (reader);

  return number == 1;
}

/* @size bytes of text and the NUL behind them. */
static const char *
take_text (KvDbusReader *reader, gsize size)
{
  const char *text = (const char *) reader->data + reader->position;

  if (size >= reader->length - reader->position || text[size] != '\0')
    {
      fail (reader);
      return "";
    }
  reader->position += size + 1;

  return text;
}

const char *
kv_dbus_reader_take_string (KvDbusReader *reader, gsize *length)
{
  guint32 size = kv_dbus_reader_take_uint32 (reader);
  const char *text = !reader->failed ? take_text (reader, size) : "";

  if (!reader->failed && !reader->sound && !g_utf8_validate_len (text, size, NULL))
    fail (reader);
  if (reader->failed)
    {
      text = "";
      size = 0;
    }
  if (length != NULL)
    *length = size;

  return text;
}

const char *
kv_dbus_reader_take_signature (KvDbusReader *reader, gsize *length)
{
  guint8 size = kv_dbus_reader_take_byte (reader);
  const char *text = !reader->failed ? take_text (reader, size) : "";

  if (!reader->failed && !reader->sound
      && (memchr (text, '\0', size) != NULL || !kv_dbus_grammar_is_signature (text, size)))
    fail (reader);
  if (reader->failed)
    {
      text = "";
      size = 0;
    }
  if (length != NULL)
    *length = size;

  return text;
}

void
kv_dbus_reader_enter_struct (KvDbusReader *reader)
{
  align (reader, KV_DBUS_STRUCT_ALIGNMENT);
}

const char *
kv_dbus_reader_enter_variant (KvDbusReader *reader)
{
  gsize length;
  const char *type = kv_dbus_reader_take_signature (reader, &length);

  if (reader->failed || reader->sound || kv_dbus_grammar_is_single_type (type, length))
    return type;
  fail (reader);

  return "";
}

/* Goes to the first element; gives where the last one ends. */
static gsize
enter_array (KvDbusReader *reader, const char *type)
{
  guint32 size = kv_dbus_reader_take_uint32 (reader);

  if (reader->failed || !align (reader, kv_dbus_types_get_alignment (*type)))
    return reader->length;
  if (size > KV_DBUS_MAX_ARRAY_BYTES || size > reader->length - reader->position)
    {
      fail (reader);
      return reader->length;
    }

  return reader->position + size;
}

const guint8 *
kv_dbus_reader_take_bytes (KvDbusReader *reader, gsize *length)
{
  gsize end = enter_array (reader, "y");
  const guint8 *bytes = reader->data + reader->position;

  *length = end - reader->position;
  reader->position = end;

  return bytes;
}

void
kv_dbus_reader_take_array (KvDbusReader *reader, const char *type, KvDbusReader *elements)
{
  gsize end = enter_array (reader, type);

  *elements = *reader;
  elements->length = end;
  reader->position = end;
}

gboolean
kv_dbus_reader_has_more (const KvDbusReader *reader)
{
  return reader->position < reader->length;
}

/* --- values of any type --- */

/* Where types end, as far as that was looked for: a message may hold millions of empty arrays of one long type. A signature has at
 * most 255 bytes, so that within one no two types have the same place here. */
typedef struct {
  gboolean is_used; /* the rest is not set before */
  const char *types[256];
  const char *ends[256];
} TypeEnds;

static const char *
find_end (TypeEnds *ends, const char *type)
{
  guint place = (guint) ((guintptr) type % G_N_ELEMENTS (ends->types));

  if (!ends->is_used)
    memset (ends->types, 0, sizeof ends->types);
  ends->is_used = TRUE;
  if (ends->types[place] != type)
    {
      ends->types[place] = type;
      ends->ends[place] = kv_dbus_grammar_skip_type (type);
    }

  return ends->ends[place];
}

static const char *skip_type (KvDbusReader *reader, const char *type, guint depth, TypeEnds *ends);

/* Passes over an array of the type at @type. Gives what stands behind the type. */
static const char *
skip_array (KvDbusReader *reader, const char *type, guint depth, TypeEnds *ends)
{
  gsize size = kv_dbus_types_get_fixed_size (*type);
  const char *end = NULL;
  KvDbusReader elements;

  kv_dbus_reader_take_array (reader, type, &elements);
  if (size > 0)
    {
      if ((elements.length - elements.position) % size != 0)
        fail (reader);
      return type + 1;
    }
  while (kv_dbus_reader_has_more (&elements)
         && (end = skip_type (&elements, type, depth, ends)) != NULL)
    ;
  if (elements.failed)
    fail (reader);

  return end != NULL ? end : find_end (ends, type);
}

/* Passes over values of the types at @type, up to a bracket that closes. */
static const char *
skip_types (KvDbusReader *reader, const char *type, guint depth, TypeEnds *ends)
{
  while (type != NULL && *type != '\0' && *type != ')' && *type != '}')
    type = skip_type (reader, type, depth, ends);

  return type;
}

static void
skip_path (KvDbusReader *reader)
{
  gsize length;
  const char *path = kv_dbus_reader_take_string (reader, &length);

  if (!reader->failed && !reader->sound && !kv_dbus_grammar_is_path (path, length))
    fail (reader);
}

static void
skip_basic (KvDbusReader *reader, char type)
{
  gsize size = kv_dbus_types_get_fixed_size (type);
  guint64 ignored;

  if (size > 0)
    take_number (reader, &ignored, size);
  else if (type == 'b')
    kv_dbus_reader_take_boolean (reader);
  else if (type == 's')
    kv_dbus_reader_take_string (reader, NULL);
  else if (type == 'o')
    skip_path (reader);
  else
    kv_dbus_reader_take_signature (reader, NULL);
}

/* Passes over a value of the complete type at @type, which is inside @depth others. Gives what stands behind the type; %NULL when
 * the reader has failed. */
static const char *
skip_type (KvDbusReader *reader, const char *type, guint depth, TypeEnds *ends)
{
  const char *end = type + 1;

  if (strchr ("a({v", *type) != NULL && depth == MAX_DEPTH)
    {
      fail (reader);
      return NULL;
    }
  switch (*type)
    {
    case 'a':
      end = skip_array (reader, type + 1, depth + 1, ends);
      break;
    case '(':
    case '{':
      kv_dbus_reader_enter_struct (reader);
      end = skip_types (reader, type + 1, depth + 1, ends);
      end = end != NULL ? end + 1 : NULL;
      break;
    case 'v':
      skip_types (reader, kv_dbus_reader_enter_variant (reader), depth + 1, ends);
      break;
    default:
      skip_basic (reader, *type);
      break;
    }

  return !reader->failed ? end : NULL;
}

gboolean
kv_dbus_reader_skip (KvDbusReader *reader, const char *signature)
{
  TypeEnds ends;

  ends.is_used = FALSE;
  skip_types (reader, signature, 0, &ends);

  return !reader->failed;
}

gboolean
kv_dbus_reader_check (KvDbusReader *reader, const char *signature)
{
  KvDbusReader copy = *reader;

  reader->sound = kv_dbus_reader_skip (&copy, signature) && !kv_dbus_reader_has_more (&copy);

  return reader->sound;
}

gsize
kv_dbus_reader_count (const KvDbusReader *elements, const char *type)
{
  KvDbusReader copy = *elements;
  TypeEnds ends;
  gsize n = 0;

  ends.is_used = FALSE;
  while (kv_dbus_reader_has_more (&copy) && skip_type (&copy, type, 0, &ends) != NULL)
    n++;

  return n;
}
