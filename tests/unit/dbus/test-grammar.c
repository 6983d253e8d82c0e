/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/wire/kv-dbus-grammar.h"

#include <gio/gio.h>
#include <string.h>

typedef struct {
  const char *text;
  gboolean valid;
} Case;

/* A text that is right by our rules has to be by GLib's, which are laxer here and there. */
static void
check (const Case cases[],
       gsize n_cases,
       gboolean (*ours) (const char *, gsize),
       gboolean (*theirs) (const char *))
{
  for (gsize i = 0; i < n_cases; i++)
    {
      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (ours (cases[i].text, strlen (cases[i].text)), ==, cases[i].valid);
      g_assert_true (!cases[i].valid || theirs (cases[i].text));
    }
}

static void
test_paths (void)
{
  static const Case cases[] = {
    { "/", TRUE },     { "/a", TRUE },   { "/a/b/C_9", TRUE }, { "", FALSE },
    { "a", FALSE },    { "/a/", FALSE }, { "//", FALSE },      { "/a//b", FALSE },
    { "/a.b", FALSE }, { "/ä", FALSE },  { "/a-b", FALSE },
  };

  check (cases, G_N_ELEMENTS (cases), kv_dbus_grammar_is_path, g_variant_is_object_path);
}

static void
test_interfaces (void)
{
  static const Case cases[] = {
    { "a.b", TRUE },   { "org.kvstore.KvStore1", TRUE },
    { "_a._9", TRUE }, { "a", FALSE },
    { "", FALSE },     { ".a.b", FALSE },
    { "a..b", FALSE }, { "a.b.", FALSE },
    { "a.9b", FALSE }, { "a.b-c", FALSE },
    { ":1.2", FALSE }, { "a.ä", FALSE },
  };

  check (cases, G_N_ELEMENTS (cases), kv_dbus_grammar_is_interface, g_dbus_is_interface_name);
}

static void
test_members (void)
{
  static const Case cases[] = {
    { "Get", TRUE },  { "_9", TRUE },   { "", FALSE },  { "9a", FALSE },
    { "a.b", FALSE }, { "a-b", FALSE }, { "ä", FALSE },
  };

  check (cases, G_N_ELEMENTS (cases), kv_dbus_grammar_is_member, g_dbus_is_member_name);
}

static void
test_bus_names (void)
{
  static const Case cases[] = {
    { ":1.2", TRUE },   { ":a-b.9", TRUE }, { "org.kvstore.KvStore1", TRUE },
    { "a-b._c", TRUE }, { ":1", FALSE },    { ":", FALSE },
    { ":.1", FALSE },   { "1.2", FALSE },   { "a.2", FALSE },
    { "", FALSE },      { "a", FALSE },     { "a.b.", FALSE },
    { "a:1.2", FALSE },
  };

  check (cases, G_N_ELEMENTS (cases), kv_dbus_grammar_is_bus_name, g_dbus_is_name);
}

static void
test_signatures (void)
{
  static const Case cases[] = {
    { "", TRUE },
    { "ybnqiuxtdsogvh", TRUE },
    { "aas(i(s)av)a{sa{oas}}", TRUE },
    { "a", FALSE },
    { "(", FALSE },
    { ")", FALSE },
    { "()", FALSE },
    { "(i", FALSE },
    { "i)", FALSE },
    { "{sv}", FALSE },
    { "a{sv", FALSE },
    { "a{s}", FALSE },
    { "a{svv}", FALSE },
    { "a{vs}", FALSE },
    { "a{(s)s}", FALSE },
    { "a{}", FALSE },
    { "(a)", FALSE },
    { "ms", FALSE },
    { "r", FALSE },
    { "e", FALSE },
    { "*", FALSE },
    { "z", FALSE },
  };

  check (cases, G_N_ELEMENTS (cases), kv_dbus_grammar_is_signature, g_variant_is_signature);
  g_assert_true (kv_dbus_grammar_is_single_type ("a{sv}", 5));
  g_assert_false (kv_dbus_grammar_is_single_type ("", 0));
  g_assert_false (kv_dbus_grammar_is_single_type ("ss", 2));
}

static void
test_lengths (void)
{
  g_autofree char *longest = g_strnfill (255, 's');
  g_autofree char *longer = g_strnfill (256, 's');

  g_assert_true (kv_dbus_grammar_is_signature (longest, 255));
  g_assert_false (kv_dbus_grammar_is_signature (longer, 256));
  g_assert_true (kv_dbus_grammar_is_member (longest, 255));
  g_assert_false (kv_dbus_grammar_is_member (longer, 256));
  longest[1] = '.';
  longer[1] = '.';
  g_assert_true (kv_dbus_grammar_is_interface (longest, 255));
  g_assert_false (kv_dbus_grammar_is_interface (longer, 256));
  g_assert_true (kv_dbus_grammar_is_bus_name (longest, 255));
  g_assert_false (kv_dbus_grammar_is_bus_name (longer, 256));
}

/* So many times around one type. */
static gboolean
is_nested (const char *before, const char *inner, const char *behind, guint depth)
{
  g_autoptr (GString) text = g_string_new (inner);

  for (guint i = 0; i < depth; i++)
    {
      g_string_prepend (text, before);
      g_string_append (text, behind);
    }

  return kv_dbus_grammar_is_signature (text->str, text->len);
}

static void
test_depths (void)
{
  g_assert_true (is_nested ("a", "s", "", 32));
  g_assert_false (is_nested ("a", "s", "", 33));
  g_assert_true (is_nested ("(", "s", ")", 32));
  g_assert_false (is_nested ("(", "s", ")", 33));
  g_assert_true (is_nested ("a(", "s", ")", 32));
  g_assert_false (is_nested ("a(", "s", ")", 33));
  g_assert_true (is_nested ("a{s", "s", "}", 32));
  g_assert_false (is_nested ("a{s", "s", "}", 33));
}

static void
test_skips_a_type (void)
{
  g_assert_cmpstr (kv_dbus_grammar_skip_type ("sv"), ==, "v");
  g_assert_cmpstr (kv_dbus_grammar_skip_type ("aasv"), ==, "v");
  g_assert_cmpstr (kv_dbus_grammar_skip_type ("(i(s))v"), ==, "v");
  g_assert_cmpstr (kv_dbus_grammar_skip_type ("a{sa{sv}}v"), ==, "v");
  g_assert_cmpstr (kv_dbus_grammar_skip_type ("a(sssa{sv})"), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/dbus/grammar/" name, function)
  ADD ("paths", test_paths);
  ADD ("interfaces", test_interfaces);
  ADD ("members", test_members);
  ADD ("bus-names", test_bus_names);
  ADD ("signatures", test_signatures);
  ADD ("lengths", test_lengths);
  ADD ("depths", test_depths);
  ADD ("skips-a-type", test_skips_a_type);
#undef ADD

  return g_test_run ();
}
