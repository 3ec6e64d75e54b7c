"""Small files in the shape in which other programs write them, and one of our own."""

import json
from typing import Any

from accounts.models import User
from conversations.transfer.reporting import Report
from conversations.transfer.storing import import_file

CHATGPT: list[dict[str, Any]] = [
    {
        "title": "Sourdough",
        "create_time": 1700000000.5,
        "update_time": 1700000600.25,
        "current_node": "n7",
        "is_archived": True,
        "conversation_id": "c1",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["n1"]},
            "n1": {
                "id": "n1",
                "parent": "root",
                "children": ["n2"],
                "message": {
                    "id": "n1",
                    "author": {"role": "system", "name": None, "metadata": {}},
                    "content": {"content_type": "text", "parts": [""]},
                    "metadata": {"is_visually_hidden_from_conversation": True},
                    "recipient": "all",
                },
            },
            "n2": {
                "id": "n2",
                "parent": "n1",
                "children": ["n3", "n4"],
                "message": {
                    "author": {"role": "user"},
                    "create_time": 1700000001.0,
                    "content": {
                        "content_type": "multimodal_text",
                        "parts": [
                            {"content_type": "image_asset_pointer", "asset_pointer": "file://x"},
                            "How is it made?",
                        ],
                    },
                },
            },
            "n3": {
                "id": "n3",
                "parent": "n2",
                "children": [],
                "message": {
                    "author": {"role": "assistant"},
                    "create_time": 1700000002.0,
                    "content": {"content_type": "text", "parts": ["A first answer."]},
                    "metadata": {"model_slug": "gpt-4"},
                    "recipient": "all",
                },
            },
            "n4": {
                "id": "n4",
                "parent": "n2",
                "children": ["n5"],
                "message": {
                    "author": {"role": "assistant"},
                    "create_time": 1700000003.0,
                    "content": {
                        "content_type": "thoughts",
                        "thoughts": [{"summary": "Bread", "content": "Think of flour."}],
                    },
                    "metadata": {"model_slug": "o3"},
                    "recipient": "all",
                },
            },
            "n5": {
                "id": "n5",
                "parent": "n4",
                "children": ["n6"],
                "message": {
                    "author": {"role": "assistant"},
                    "create_time": 1700000004.0,
                    "content": {"content_type": "code", "text": "search('flour')"},
                    "recipient": "web",
                },
            },
            "n6": {
                "id": "n6",
                "parent": "n5",
                "children": ["n7"],
                "message": {
                    "author": {"role": "tool", "name": "web"},
                    "content": {"content_type": "text", "parts": ["Results"]},
                },
            },
            "n7": {
                "id": "n7",
                "parent": "n6",
                "children": [],
                "message": {
                    "author": {"role": "assistant"},
                    "create_time": 1700000005.0,
                    "content": {"content_type": "text", "parts": ["Flour, water, time."]},
                    "metadata": {"model_slug": "o3"},
                    "recipient": "all",
                },
            },
        },
    }
]

CLAUDE: list[dict[str, Any]] = [
    {
        "uuid": "aaaa",
        "name": "A plan",
        "created_at": "2025-03-01T10:00:00.123456Z",
        "updated_at": "2025-03-01T10:05:00Z",
        "account": {"uuid": "somebody"},
        "chat_messages": [
            {
                "uuid": "m1",
                "text": "Read this",
                "content": [{"type": "text", "text": "Read this"}],
                "sender": "human",
                "created_at": "2025-03-01T10:00:00Z",
                "attachments": [{"file_name": "notes.md", "extracted_content": "```\ncode\n```"}],
                "files": [{"file_name": "cat.png"}],
            },
            {
                "uuid": "m2",
                "text": "",
                "content": [
                    {"type": "thinking", "thinking": "Hm."},
                    {"type": "tool_use", "name": "repl", "input": {}},
                    {"type": "tool_result", "content": []},
                    {"type": "text", "text": "I have read it."},
                ],
                "sender": "assistant",
                "created_at": "2025-03-01T10:00:09Z",
                "attachments": [],
                "files": [],
            },
            {"uuid": "m3", "text": "Old style", "sender": "human", "created_at": "2025-03-01T10:01:00Z"},
        ],
    }
]

OPENWEBUI: list[dict[str, Any]] = [
    {
        "id": "chat-1",
        "user_id": "user-1",
        "title": "Primes",
        "archived": False,
        "pinned": True,
        "created_at": 1730000000,
        "updated_at": 1730000100,
        "meta": {"tags": ["maths"]},
        "chat": {
            "title": "Primes",
            "models": ["llama3:8b"],
            "history": {
                "currentId": "d",
                "messages": {
                    "a": {
                        "id": "a",
                        "parentId": None,
                        "childrenIds": ["b", "d"],
                        "role": "user",
                        "content": "Is 7 prime?",
                        "timestamp": 1730000000,
                        "files": [{"type": "image", "url": "data:image/png;base64,AA"}],
                    },
                    "b": {
                        "id": "b",
                        "parentId": "a",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": "No.",
                        "model": "llama3:8b",
                        "modelName": "Llama",
                        "timestamp": 1730000010,
                    },
                    "d": {
                        "id": "d",
                        "parentId": "a",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": '<details type="reasoning" done="true" duration="3">\n'
                        "<summary>Thought for 3 seconds</summary>\n> Seven has\n> no divisors.\n</details>\nYes.",
                        "model": "deepseek-r1",
                        "timestamp": 1730000020,
                    },
                },
            },
            "messages": [],
            "timestamp": 1730000000000,
        },
    }
]


def take(owner: User, content: object) -> Report:
    return import_file(user=owner, body=json.dumps(content).encode())


def own(**fields: Any) -> dict[str, Any]:
    """A file of Wiz with one conversation."""
    conversation = {"title": "T", "messages": [message("1"), message("2", "1", "assistant")], **fields}
    return {"format": "wiz-conversations", "version": 1, "exported_at": None, "conversations": [conversation]}


def message(key: str, parent: str | None = None, role: str = "user", **fields: Any) -> dict[str, Any]:
    return {"id": key, "parent": parent, "role": role, "content": f"text {key}", **fields}
