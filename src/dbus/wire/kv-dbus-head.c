/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/wire/kv-dbus-head.h"

#include "dbus/wire/kv-dbus-grammar.h"

#include <string.h>

/* Reserved by the specification for what happens within a library. */
#define LOCAL_PATH "/org/freedesktop/DBus/Local"
#define LOCAL_INTERFACE "org.freedesktop.DBus.Local"

/* What is at which place in the fixed part. */
#define ORDER_AT 0
#define TYPE_AT 1
#define FLAGS_AT 2
#define VERSION_AT 3
#define BODY_LENGTH_AT 4
#define SERIAL_AT 8
#define FIELDS_LENGTH_AT 12

static const char field_types[KV_DBUS_N_FIELDS] = {
  [KV_DBUS_FIELD_PATH] = 'o',         [KV_DBUS_FIELD_INTERFACE] = 's',
  [KV_DBUS_FIELD_MEMBER] = 's',       [KV_DBUS_FIELD_ERROR_NAME] = 's',
  [KV_DBUS_FIELD_REPLY_SERIAL] = 'u', [KV_DBUS_FIELD_DESTINATION] = 's',
  [KV_DBUS_FIELD_SENDER] = 's',       [KV_DBUS_FIELD_SIGNATURE] = 'g',
  [KV_DBUS_FIELD_UNIX_FDS] = 'u',
};

static gboolean
is_swapped (const guint8 *data)
{
  return data[ORDER_AT] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B');
}

static guint32
get_number (const guint8 *data, gsize at)
{
  guint32 number;

  memcpy (&number, data + at, sizeof number);

  return is_swapped (data) ? GUINT32_SWAP_LE_BE (number) : number;
}

static gsize
pad (gsize length)
{
  return (length + KV_DBUS_STRUCT_ALIGNMENT - 1) & ~(gsize) (KV_DBUS_STRUCT_ALIGNMENT - 1);
}

gsize
kv_dbus_head_measure (const guint8 *data)
{
  guint32 fields, body;
  gsize length;

  if ((data[ORDER_AT] != 'l' && data[ORDER_AT] != 'B')
      || data[VERSION_AT] != KV_DBUS_PROTOCOL_VERSION)
    return 0;
  fields = get_number (data, FIELDS_LENGTH_AT);
  body = get_number (data, BODY_LENGTH_AT);
  /* Each by itself first, so that the sum cannot leave the numbers of a small machine. */
  if (fields > KV_DBUS_MAX_ARRAY_BYTES || body > KV_DBUS_MAX_MESSAGE_BYTES)
    return 0;
  length = pad (KV_DBUS_FIXED_HEAD_BYTES + fields) + body;

  return length <= KV_DBUS_MAX_MESSAGE_BYTES ? length : 0;
}

/* A text that is there once at most, and has a form: which leaves no room for what is no UTF-8, so that is not looked for. */
static gboolean
take_name (KvDbusReader *reader, const char **name, gboolean (*is_valid) (const char *, gsize))
{
  gsize length;
  const char *text = kv_dbus_reader_take_string (reader, &length);

  if (reader->failed || *name != NULL || !is_valid (text, length))
    return FALSE;
  *name = text;

  return TRUE;
}

static gboolean
take_reply_serial (KvDbusHead *head, KvDbusReader *reader)
{
  guint32 serial = kv_dbus_reader_take_uint32 (reader);

  if (serial == 0 || head->reply_serial != 0)
    return FALSE;
  head->reply_serial = serial;

  return TRUE;
}

static gboolean
take_known_field (KvDbusHead *head, KvDbusReader *reader, KvDbusField field)
{
  switch (field)
    {
    case KV_DBUS_FIELD_PATH:
      return take_name (reader, &head->path, kv_dbus_grammar_is_path);
    case KV_DBUS_FIELD_INTERFACE:
      return take_name (reader, &head->interface, kv_dbus_grammar_is_interface);
    case KV_DBUS_FIELD_MEMBER:
      return take_name (reader, &head->member, kv_dbus_grammar_is_member);
    case KV_DBUS_FIELD_ERROR_NAME:
      return take_name (reader, &head->error_name, kv_dbus_grammar_is_interface);
    case KV_DBUS_FIELD_DESTINATION:
      return take_name (reader, &head->destination, kv_dbus_grammar_is_bus_name);
    case KV_DBUS_FIELD_SENDER:
      return take_name (reader, &head->sender, kv_dbus_grammar_is_bus_name);
    case KV_DBUS_FIELD_REPLY_SERIAL:
      return take_reply_serial (head, reader);
    case KV_DBUS_FIELD_SIGNATURE:
      if (head->signature != NULL)
        return FALSE;
      reader->sound = FALSE;
      head->signature = kv_dbus_reader_take_signature (reader, NULL);
      return !reader->failed;
    case KV_DBUS_FIELD_UNIX_FDS:
      head->n_descriptors = kv_dbus_reader_take_uint32 (reader);
      return !reader->failed;
    case KV_DBUS_FIELD_INVALID:
    default:
      return FALSE;
    }
}

/* The reader is told not to check what is checked here: of a field that is known, there is only one type. */
static gboolean
take_field (KvDbusHead *head, KvDbusReader *reader)
{
  guint8 field;
  const char *type;
  gsize length;

  kv_dbus_reader_enter_struct (reader);
  field = kv_dbus_reader_take_byte (reader);
  reader->sound = field < KV_DBUS_N_FIELDS;
  if (!reader->sound)
    return kv_dbus_reader_skip (reader, "v");
  type = kv_dbus_reader_take_signature (reader, &length);

  return length == 1 && type[0] == field_types[field]
         && take_known_field (head, reader, (KvDbusField) field);
}

/* Whether the message has what one of its type must have. */
static gboolean
is_complete (const KvDbusHead *head)
{
  if (g_strcmp0 (head->path, LOCAL_PATH) == 0 || g_strcmp0 (head->interface, LOCAL_INTERFACE) == 0)
    return FALSE;
  switch (head->type)
    {
    case KV_DBUS_TYPE_METHOD_CALL:
      return head->path != NULL && head->member != NULL;
    case KV_DBUS_TYPE_METHOD_RETURN:
      return head->reply_serial != 0;
    case KV_DBUS_TYPE_ERROR:
      return head->error_name != NULL && head->reply_serial != 0;
    case KV_DBUS_TYPE_SIGNAL:
      return head->path != NULL && head->interface != NULL && head->member != NULL;
    default:
      return head->type != 0;
    }
}

gboolean
kv_dbus_head_parse (KvDbusHead *head, const guint8 *data, gsize length)
{
  gsize fields_end = KV_DBUS_FIXED_HEAD_BYTES + get_number (data, FIELDS_LENGTH_AT);
  gsize head_length = pad (fields_end);
  KvDbusReader reader;

  *head = (KvDbusHead){
    .type = data[TYPE_AT],
    .flags = data[FLAGS_AT],
    .swapped = is_swapped (data),
    .serial = get_number (data, SERIAL_AT),
    .body = data + head_length,
    .body_length = length - head_length,
  };
  kv_dbus_reader_init (&reader, data, fields_end, head->swapped);
  reader.position = KV_DBUS_FIXED_HEAD_BYTES;
  while (kv_dbus_reader_has_more (&reader))
    {
      if (!take_field (head, &reader))
        return FALSE;
    }
  for (gsize i = fields_end; i < head_length; i++)
    {
      if (data[i] != 0)
        return FALSE;
    }
  if (head->signature == NULL)
    head->signature = "";

  return head->serial != 0 && (head->signature[0] == '\0') == (head->body_length == 0)
         && is_complete (head);
}

void
kv_dbus_head_init_reader (const KvDbusHead *head, KvDbusReader *reader)
{
  kv_dbus_reader_init (reader, head->body, head->body_length, head->swapped);
}
