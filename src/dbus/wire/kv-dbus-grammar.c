/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/wire/kv-dbus-grammar.h"

#include <string.h>

/* From the specification: of names and signatures in bytes, of types in levels. */
#define MAX_NAME_BYTES 255
#define MAX_SIGNATURE_BYTES 255
#define MAX_TYPE_DEPTH 32

/* Letters, digits and '_' may stand everywhere in an element of a name or path. */
static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || c == '_';
}

gboolean
kv_dbus_grammar_is_path (const char *text, gsize length)
{
  if (length == 0 || text[0] != '/')
    return FALSE;
  if (length == 1)
    return TRUE;
  for (gsize i = 1; i < length; i++)
    {
      if (!is_word (text[i]) && (text[i] != '/' || text[i - 1] == '/'))
        return FALSE;
    }

  return text[length - 1] != '/';
}

/* Elements with dots between them, two or more. */
static gboolean
is_dotted (const char *text,
           gsize length,
           gboolean may_hold_hyphens,
           gboolean may_begin_with_digits)
{
  gboolean begins = TRUE;
  guint n_dots = 0;

  for (gsize i = 0; i < length; i++)
    {
      if (text[i] == '.')
        {
          if (begins)
            return FALSE;
          n_dots++;
          begins = TRUE;
          continue;
        }
      if (!is_word (text[i]) && !(may_hold_hyphens && text[i] == '-'))
        return FALSE;
      if (begins && !may_begin_with_digits && g_ascii_isdigit (text[i]))
        return FALSE;
      begins = FALSE;
    }

  return n_dots > 0 && !begins;
}

gboolean
kv_dbus_grammar_is_interface (const char *text, gsize length)
{
  return length <= MAX_NAME_BYTES && is_dotted (text, length, FALSE, FALSE);
}

gboolean
kv_dbus_grammar_is_member (const char *text, gsize length)
{
  if (length == 0 || length > MAX_NAME_BYTES || g_ascii_isdigit (text[0]))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      if (!is_word (text[i]))
        return FALSE;
    }

  return TRUE;
}

gboolean
kv_dbus_grammar_is_bus_name (const char *text, gsize length)
{
  if (length > MAX_NAME_BYTES)
    return FALSE;
  if (length > 0 && text[0] == ':')
    return is_dotted (text + 1, length - 1, TRUE, TRUE);

  return is_dotted (text, length, TRUE, FALSE);
}

/* --- types --- */

static gboolean
is_basic (char c)
{
  return c != '\0' && strchr ("ybnqiuxtdsogh", c) != NULL;
}

static const char *scan_type (const char *type, guint arrays, guint structs);

/* @type stands behind the opening bracket. */
static const char *
scan_struct (const char *type, guint arrays, guint structs)
{
  if (structs > MAX_TYPE_DEPTH || *type == ')')
    return NULL;
  while (type != NULL && *type != ')')
    type = scan_type (type, arrays, structs);

  return type != NULL ? type + 1 : NULL;
}

static const char *
scan_dict_entry (const char *type, guint arrays, guint structs)
{
  if (structs > MAX_TYPE_DEPTH || !is_basic (*type))
    return NULL;
  type = scan_type (type + 1, arrays, structs);

  return type != NULL && *type == '}' ? type + 1 : NULL;
}

/* Gives what stands behind the complete type at @type, which is inside so many others; %NULL when there is none. The depth is
 * bounded, and the NUL at the end is no type. */
static const char *
scan_type (const char *type, guint arrays, guint structs)
{
  if (is_basic (*type) || *type == 'v')
    return type + 1;
  if (*type == '(')
    return scan_struct (type + 1, arrays, structs + 1);
  if (*type != 'a' || arrays == MAX_TYPE_DEPTH)
    return NULL;
  if (type[1] == '{')
    return scan_dict_entry (type + 2, arrays + 1, structs + 1);

  return scan_type (type + 1, arrays + 1, structs);
}

gboolean
kv_dbus_grammar_is_signature (const char *text, gsize length)
{
  if (length > MAX_SIGNATURE_BYTES)
    return FALSE;
  while (text != NULL && *text != '\0')
    text = scan_type (text, 0, 0);

  return text != NULL;
}

gboolean
kv_dbus_grammar_is_single_type (const char *text, gsize length)
{
  const char *rest;

  if (length > MAX_SIGNATURE_BYTES)
    return FALSE;
  rest = scan_type (text, 0, 0);

  return rest != NULL && *rest == '\0';
}

const char *
kv_dbus_grammar_skip_type (const char *type)
{
  guint depth = 0;

  while (*type == 'a')
    type++;
  do
    {
      if (*type == '(' || *type == '{')
        depth++;
      else if (*type == ')' || *type == '}')
        depth--;
      type++;
    }
  while (depth > 0);

  return type;
}
