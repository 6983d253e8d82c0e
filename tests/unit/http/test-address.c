/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "http/server/kv-http-address.h"

static void
test_reads_what_it_writes (void)
{
  static const struct {
    const char *text;
    const char *uri;
    gboolean is_local;
    gboolean is_localhost;
  } cases[] = {
    { "127.0.0.1:3000", "http://127.0.0.1:3000", TRUE, FALSE },
    { "127.1.2.3:0", "http://127.1.2.3:0", TRUE, FALSE },
    { "[::1]:65535", "http://[::1]:65535", TRUE, FALSE },
    { "localhost:80", "http://127.0.0.1:80", TRUE, TRUE },
    { "LOCALHOST:80", "http://127.0.0.1:80", TRUE, TRUE },
    { "unix:/run/some where/socket", "unix:/run/some where/socket", TRUE, FALSE },
    { "0.0.0.0:80", "http://0.0.0.0:80", FALSE, FALSE },
    { "128.0.0.1:80", "http://128.0.0.1:80", FALSE, FALSE },
    { "[::]:80", "http://[::]:80", FALSE, FALSE },
    { "[::ffff:127.0.0.1]:80", "http://[::ffff:127.0.0.1]:80", FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *uri = NULL;
      KvHttpAddress address;

      g_assert_true (kv_http_address_parse (cases[i].text, &address, &error));
      g_assert_no_error (error);
      uri = kv_http_socket_address_to_uri (&address.socket);
      g_assert_cmpstr (uri, ==, cases[i].uri);
      g_assert_cmpint (kv_http_socket_address_is_local (&address.socket), ==, cases[i].is_local);
      g_assert_cmpint (address.is_localhost, ==, cases[i].is_localhost);
    }
}

/* Longer than the 107 bytes that the kernel takes for the name of a socket. */
#define LONG_PATH                                                                                  \
  "unix:/0123456789012345678901234567890123456789012345678901234567890123456789"                   \
  "0123456789012345678901234567890123456789"

static void
test_refuses_what_is_no_address (void)
{
  static const char *const cases[] = {
    "",
    "3000",
    ":3000",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:+80",
    "127.0.0.1:-1",
    "127.0.0.1: 80",
    "127.0.0.1:80 ",
    "127.0.0.1:080",
    "127.0.0.1:65536",
    "127.0.0.1:655350",
    "127.0.0.1:http",
    "127.0.0:80",
    "127.1:80",
    "0x7f000001:80",
    "::1:80",
    "[::1]",
    "[]:80",
    "[::1:80",
    "[127.0.0.1]:80",
    "[::1%lo]:80",
    "example.org:80",
    "http://127.0.0.1:80",
    "unix:",
    "unix:relative",
    LONG_PATH,
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      KvHttpAddress address;

      g_test_message ("%s", cases[i]);
      g_assert_false (kv_http_address_parse (cases[i], &address, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_makes_the_twin_of_a_port (void)
{
  KvHttpAddress address;
  KvHttpSocketAddress twin;
  g_autofree char *uri = NULL;

  g_assert_true (kv_http_address_parse ("localhost:4711", &address, NULL));
  g_assert_cmpuint (kv_http_socket_address_get_port (&address.socket), ==, 4711);
  kv_http_socket_address_set_loopback_ipv6 (&twin, 4711);
  uri = kv_http_socket_address_to_uri (&twin);
  g_assert_cmpstr (uri, ==, "http://[::1]:4711");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/http/address/reads-what-it-writes", test_reads_what_it_writes);
  g_test_add_func ("/http/address/refuses-what-is-no-address", test_refuses_what_is_no_address);
  g_test_add_func ("/http/address/makes-the-twin-of-a-port", test_makes_the_twin_of_a_port);
  return g_test_run ();
}
