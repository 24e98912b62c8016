"""P4: what the pages of a company's people cost: `python -m benchmarks.pages [--data var/demo]`, on a demo's data.

Each page is asked again and again by somebody who is logged in.  Beside it stands a plain Flask page that asks the
database the same through SQLAlchemy's ORM, and has Jinja write the same texts between the same tags: no log-in, no
roles, no forms, no questions about the rows.  Printed are the SQL statements of a page and both CPU times.
"""

import argparse
import json
import re
import time
from pathlib import Path

from flask import Flask, render_template_string
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

import config
from app import create_app
from app.extensions import db

ROUNDS, WARM = 40, 5
PERSON, PASSWORD = "青木 健一", "Demo-1234"  # noqa: S105  the demo's
PAGES = {"マイリスト": "/", "検索結果": "/documents/?title=", "契約文書照会": "/documents/3", "契約文書登録": "/documents/new"}
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
PLAIN = "{% for part in parts %}{% if part.startswith('<') %}{{ part|safe }}{% else %}{{ part }}{% endif %}{% endfor %}"


def log_in(app, data):
    people = json.loads((Path(data) / "accounts.json").read_text("utf-8"))
    code = next(one["user_code"] for one in people if one["name"] == PERSON)
    client = app.test_client()
    token = TOKEN.search(client.get("/login/").text).group(1)
    reply = client.post("/login/", data={"username": code, "password": PASSWORD, "csrf_token": token})
    assert reply.status_code == 302, reply.status_code
    return client


def cpu_of(ask):
    for _ in range(WARM):
        ask()
    began = time.process_time()
    for _ in range(ROUNDS):
        ask()
    return (time.process_time() - began) / ROUNDS


def asked_by(ask):
    """What a page asks the database: how many SQL statements, and the ORM's questions behind them; and its text."""
    sql, questions = [], []

    def note_sql(_connection, _cursor, statement, *_rest):
        sql.extend([statement] if statement.startswith("SELECT") else [])

    def note_question(state):
        is_loader = state.is_relationship_load and state.lazy_loaded_from is None  # comes with its question again
        if state.is_select and not is_loader and not state.is_column_load:
            questions.append((state.statement, state.parameters))

    event.listen(Engine, "before_cursor_execute", note_sql)
    event.listen(Session, "do_orm_execute", note_question)
    reply = ask()
    event.remove(Engine, "before_cursor_execute", note_sql)
    event.remove(Session, "do_orm_execute", note_question)
    assert reply.status_code == 200, reply.status_code
    return len(sql), questions, reply.text


def plain_page(engine, questions, text):
    """The plain Flask page beside it, as a callable that asks for it once."""
    plain, parts = Flask("plain"), re.split(r"(<[^>]*>)", text)

    @plain.get("/")
    def page():
        with Session(engine) as session:
            rows = [session.execute(statement, parameters).unique().all() for statement, parameters in questions]
            assert rows
            return render_template_string(PLAIN, parts=parts)

    client = plain.test_client()
    return lambda: client.get("/")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="var/demo")
    data = parser.parse_args().data
    lines = (Path(data) / "settings.env").read_text("utf-8").splitlines()
    app = create_app(config.current(dict(line.split("=", 1) for line in lines)))
    client = log_in(app, data)
    with app.app_context():
        engine = db.engine
    for name, url in PAGES.items():
        statements, questions, text = asked_by(lambda url=url: client.get(url))
        own = cpu_of(lambda url=url: client.get(url))
        plain = cpu_of(plain_page(engine, questions, text))
        print(json.dumps({
            "page": name, "SELECTs": statements, "CPU_ms": round(own * 1000, 1), "plain_CPU_ms": round(plain * 1000, 1),
            "ratio": round(own / plain, 2),
        }, ensure_ascii=False))  # fmt: skip


if __name__ == "__main__":
    main()
