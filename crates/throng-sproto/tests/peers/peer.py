"""The PyPI package `sproto`, asked by the test beside this file: a line of JSON in, a line of JSON out."""

import json
import sys

import pysproto


def value_of(json_value):
    if isinstance(json_value, list):
        return [value_of(element) for element in json_value]
    if not isinstance(json_value, dict):
        return json_value
    if "$hex" in json_value:
        return bytes.fromhex(json_value["$hex"])
    if "$map" in json_value:
        return {key: value_of(value) for key, value in json_value["$map"]}
    return {name: value_of(value) for name, value in json_value.items()}


def json_of(value):
    if isinstance(value, bytes):
        return {"$hex": value.hex()}
    if isinstance(value, list):
        return [json_of(element) for element in value]
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            return {"$map": [[key, json_of(inner)] for key, inner in value.items()]}
        return {name: json_of(inner) for name, inner in value.items()}
    return value


def main():
    bundle = bytes.fromhex(json.loads(sys.stdin.readline())["bundle"])
    # A type does not keep its schema alive.
    schema = pysproto.Sproto(bundle)
    message = schema.querytype("All")
    for line in sys.stdin:
        asked = json.loads(line)
        octets = bytes.fromhex(asked.get("hex", ""))
        match asked["do"]:
            case "encode":
                answer = message.encode(value_of(asked["value"])).hex()
            case "decode":
                answer = json_of(message.decode(octets))
            case "pack":
                answer = pysproto.pack(octets).hex()
            case "unpack":
                try:
                    answer = pysproto.unpack(octets).hex()
                except pysproto.SprotoError:
                    answer = None
            case "bundle":
                answer = pysproto.parse_ast(pysproto.parse(asked["text"], "schema")).hex()
        print(json.dumps(answer), flush=True)


main()
