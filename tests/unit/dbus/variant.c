/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "variant.h"

#include "dbus/wire/kv-dbus-grammar.h"

#include <string.h>

static GVariant *take_value (KvDbusReader *reader, const char *type);

static GVariant *
take_bytes (KvDbusReader *reader)
{
  gsize length;
  const guint8 *bytes = kv_dbus_reader_take_bytes (reader, &length);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, length, 1);
}

static GVariant *
take_array (KvDbusReader *reader, const char *type)
{
  const char *end = kv_dbus_grammar_skip_type (type);
  g_autofree char *element = g_strndup (type, (gsize) (end - type));
  g_autoptr (GPtrArray) children = g_ptr_array_new ();
  KvDbusReader elements;
  gsize n;

  kv_dbus_reader_take_array (reader, type, &elements);
  n = kv_dbus_reader_count (&elements, type);
  while (kv_dbus_reader_has_more (&elements))
    g_ptr_array_add (children, take_value (&elements, type));
  g_assert_false (elements.failed);
  g_assert_cmpuint (children->len, ==, n);

  return g_variant_new_array (G_VARIANT_TYPE (element), (GVariant *const *) children->pdata,
                              children->len);
}

/* The members of a struct, up to what ends it. */
static GVariant *
take_members (KvDbusReader *reader, const char *type)
{
  g_autoptr (GPtrArray) children = g_ptr_array_new ();

  while (*type != '\0' && *type != ')')
    {
      g_ptr_array_add (children, take_value (reader, type));
      type = kv_dbus_grammar_skip_type (type);
    }

  return g_variant_new_tuple ((GVariant *const *) children->pdata, children->len);
}

static GVariant *
take_dict_entry (KvDbusReader *reader, const char *type)
{
  GVariant *key, *value;

  kv_dbus_reader_enter_struct (reader);
  key = take_value (reader, type);
  value = take_value (reader, kv_dbus_grammar_skip_type (type));

  return g_variant_new_dict_entry (key, value);
}

static GVariant *
take_text (KvDbusReader *reader, char type)
{
  gsize length;
  const char *text;

  if (type == 'g')
    return g_variant_new_signature (kv_dbus_reader_take_signature (reader, NULL));
  text = kv_dbus_reader_take_string (reader, &length);
  g_assert_cmpuint (strlen (text), ==, length);

  return type == 'o' ? g_variant_new_object_path (text) : g_variant_new_string (text);
}

static GVariant *
take_number (KvDbusReader *reader, char type)
{
  switch (type)
    {
    case 'y':
      return g_variant_new_byte (kv_dbus_reader_take_byte (reader));
    case 'b':
      return g_variant_new_boolean (kv_dbus_reader_take_boolean (reader));
    case 'n':
      return g_variant_new_int16 ((gint16) kv_dbus_reader_take_uint16 (reader));
    case 'q':
      return g_variant_new_uint16 (kv_dbus_reader_take_uint16 (reader));
    case 'i':
      return g_variant_new_int32 ((gint32) kv_dbus_reader_take_uint32 (reader));
    case 'u':
      return g_variant_new_uint32 (kv_dbus_reader_take_uint32 (reader));
    case 'h':
      return g_variant_new_handle ((gint32) kv_dbus_reader_take_uint32 (reader));
    case 'x':
      return g_variant_new_int64 ((gint64) kv_dbus_reader_take_uint64 (reader));
    case 't':
      return g_variant_new_uint64 (kv_dbus_reader_take_uint64 (reader));
    case 'd':
      return g_variant_new_double (kv_dbus_reader_take_double (reader));
    default:
      g_assert_not_reached ();
    }
}

static GVariant *
take_value (KvDbusReader *reader, const char *type)
{
  switch (*type)
    {
    case 'a':
      return type[1] == 'y' ? take_bytes (reader) : take_array (reader, type + 1);
    case '(':
      kv_dbus_reader_enter_struct (reader);
      return take_members (reader, type + 1);
    case '{':
      return take_dict_entry (reader, type + 1);
    case 'v':
      return g_variant_new_variant (take_value (reader, kv_dbus_reader_enter_variant (reader)));
    case 's':
    case 'o':
    case 'g':
      return take_text (reader, *type);
    default:
      return take_number (reader, *type);
    }
}

GVariant *
variant_take (KvDbusReader *reader, const char *signature)
{
  GVariant *tuple = take_members (reader, signature);

  g_assert_false (reader->failed);

  return tuple;
}
