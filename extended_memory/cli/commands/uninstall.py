"""``uninstall``: takes this server out of a client's configuration."""

from extended_memory.cli import environment, options
from extended_memory.cli.client_change import carry_out, configuration_file
from extended_memory.clients import change
from extended_memory.clients.catalogue import ClientName, named


def uninstall(
    client: ClientName,
    /,
    *,
    name: options.OnlyEntry = None,
    file: options.ConfigurationFile = None,
    yes: options.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Take this server out of the configuration of a client. What is remembered stays.

    Parameters
    ----------
    client
        Where from.
    """
    of = named(client)
    at = file or of.files(environment.machine())[0]
    wanted = change.plan_removal(of, configuration_file(at, {}), name=name)
    carry_out(wanted, "uninstall", yes=yes, as_json=as_json)
