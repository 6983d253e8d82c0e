/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/server/kv-http-address.h"

#include "core/kv-error.h"
#include "kv-config.h"

#include <arpa/inet.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define UNIX_PREFIX "unix:"

static gboolean
parse_port (const char *text, guint16 *port)
{
  guint number = 0;
  gsize length = strlen (text);

  /* Digits alone: no sign, no space, and 0 but for itself never in front. */
  if (length == 0 || length > 5 || (length > 1 && text[0] == '0'))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isdigit (text[i]))
        return FALSE;
      number = 10 * number + (guint) (text[i] - '0');
    }
  if (number > G_MAXUINT16)
    return FALSE;
  *port = (guint16) number;
  return TRUE;
}

static gboolean
parse_host (const char *host, guint16 port, KvHttpAddress *address)
{
  gsize length = strlen (host);

  address->is_localhost = g_ascii_strcasecmp (host, "localhost") == 0;
  if (length > 2 && host[0] == '[' && host[length - 1] == ']')
    {
      g_autofree char *bare = g_strndup (host + 1, length - 2);

      address->socket.ipv6.sin6_family = AF_INET6;
      address->socket.ipv6.sin6_port = htons (port);
      return inet_pton (AF_INET6, bare, &address->socket.ipv6.sin6_addr) == 1;
    }
  address->socket.ipv4.sin_family = AF_INET;
  address->socket.ipv4.sin_port = htons (port);
  return inet_pton (AF_INET, address->is_localhost ? "127.0.0.1" : host,
                    &address->socket.ipv4.sin_addr)
         == 1;
}

static gboolean
parse_tcp (const char *text, KvHttpAddress *address)
{
  const char *colon = strrchr (text, ':');
  g_autofree char *host = NULL;
  guint16 port;

  if (colon == NULL || !parse_port (colon + 1, &port))
    return FALSE;
  host = g_strndup (text, (gsize) (colon - text));
  return parse_host (host, port, address);
}

static gboolean
parse_unix (const char *path, KvHttpAddress *address, GError **error)
{
  struct sockaddr_un *unix_path = &address->socket.unix_path;

  if (path[0] != '/')
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("“unix:%s”: the path of a socket must be absolute"), path);
      return FALSE;
    }
  if (strlen (path) >= sizeof unix_path->sun_path)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("“unix:%s”: the path of a socket has at most %u bytes"), path,
                   (guint) sizeof unix_path->sun_path - 1);
      return FALSE;
    }
  unix_path->sun_family = AF_UNIX;
  g_strlcpy (unix_path->sun_path, path, sizeof unix_path->sun_path);
  return TRUE;
}

gboolean
kv_http_address_parse (const char *text, KvHttpAddress *address, GError **error)
{
  memset (address, 0, sizeof *address);
  if (g_str_has_prefix (text, UNIX_PREFIX))
    return parse_unix (text + strlen (UNIX_PREFIX), address, error);
  if (parse_tcp (text, address))
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
               _ ("“%s” is no address: it should look like 127.0.0.1:3000, [::1]:3000, "
                  "localhost:3000 or unix:/path"),
               text);
  return FALSE;
}

socklen_t
kv_http_socket_address_get_length (const KvHttpSocketAddress *address)
{
  switch (address->any.sa_family)
    {
    case AF_INET:
      return sizeof address->ipv4;
    case AF_INET6:
      return sizeof address->ipv6;
    default:
      return sizeof address->unix_path;
    }
}

gboolean
kv_http_socket_address_is_local (const KvHttpSocketAddress *address)
{
  switch (address->any.sa_family)
    {
    case AF_INET:
      return ntohl (address->ipv4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
      return IN6_IS_ADDR_LOOPBACK (&address->ipv6.sin6_addr);
    default:
      return TRUE;
    }
}

guint16
kv_http_socket_address_get_port (const KvHttpSocketAddress *address)
{
  if (address->any.sa_family == AF_INET)
    return ntohs (address->ipv4.sin_port);
  return ntohs (address->ipv6.sin6_port);
}

void
kv_http_socket_address_set_loopback_ipv6 (KvHttpSocketAddress *address, guint16 port)
{
  memset (address, 0, sizeof *address);
  address->ipv6.sin6_family = AF_INET6;
  address->ipv6.sin6_addr = in6addr_loopback;
  address->ipv6.sin6_port = htons (port);
}

char *
kv_http_socket_address_to_host (const KvHttpSocketAddress *address)
{
  char text[INET6_ADDRSTRLEN];

  if (address->any.sa_family == AF_INET)
    inet_ntop (AF_INET, &address->ipv4.sin_addr, text, sizeof text);
  else
    inet_ntop (AF_INET6, &address->ipv6.sin6_addr, text, sizeof text);
  return g_strdup (text);
}

char *
kv_http_socket_address_to_uri (const KvHttpSocketAddress *address)
{
  g_autofree char *host = NULL;

  if (address->any.sa_family == AF_UNIX)
    return g_strconcat (UNIX_PREFIX, address->unix_path.sun_path, NULL);
  host = kv_http_socket_address_to_host (address);
  return g_strdup_printf (address->any.sa_family == AF_INET ? "http://%s:%u" : "http://[%s]:%u",
                          host, kv_http_socket_address_get_port (address));
}
