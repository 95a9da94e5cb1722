"""Words that give away what a request is about, in several languages. A `*` stands for any ending.

What stands before `|` counts for two, what stands behind it for one. Accents may be left out, as many people do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

STEM = 5  # letters that a word with a `*` has at least; so many are compared first

_WORDS = {
    "code": """
        python javascript typescript golang kotlin rust c++ c# sql bash regex regexp json yaml html css xml debug*
        debugg* compil* refactor* segfault traceback stacktrace pytest unittest numpy pandas react django flask
        docker* kubernetes github gitlab npm pip postgres* mysql sqlite cmake makefile nginx code codes coding
        codebase programmier* quellcode unittests código codigo codice codifica depura* git virtualenv function
        functions funktion funktionen skript fonction función funciones shell powershell perl ruby php
        javaprogramm* deploy* async await nullpointer* backend frontend codez* programmeer* программ*
        | program* script scripts bug bugs java swift api class classes method methods algorithm* variable* loop
        loops array arrays string strings query queries endpoint* library import database* server exception* error
        errors linux commit branch file files crash* install* schleife* datenbank* fehlermeldung* klasse methode*
        algorithmus boucle* erreur* fichier* algorithme* requête* bucle* fichero* archivo* consulta* funzione
        funzioni ciclo função funções код функци*
        """,
    "reasoning": """
        prove proves proof theorem* equation* integral* derivative* probability* puzzle* riddle* deduce* logic*
        calculate* calculat* mathemat* arithmetic* induction beweis* berechn* gleichung* wahrscheinlichkeit*
        logik* rätsel* knobel* schlussfolger* begründe* ableitung* démontr* preuve calcul* équation* probabilité*
        logique* énigme* raisonn* demuestr* demostra* ecuación ecuaciones probabilidad* lógica acertijo* razona*
        equazion* dimostra* calcola* equação prova докаж* уравнен* вероятност*
        | solve* compute* analyz* analys* reason reasoning paradox* optimal* strategy math maths geometry algebra
        many average per sum percent compare* rechne rechnen löse lösen mathe* analysier* vergleich* strategie
        wieviel wieviele durchschnitt* prozent résou* résoud* analyse* combien stratégie* moyenne* resuelv*
        resolver analiz* cuánto* cuánta* compara* estrateg* promedio* risolv* quanto quanti resolva сколько
        """,
    "creative": """
        story stories poem* poetry haiku* limerick* sonnet* lyric* screenplay* fairytale* fiction* roleplay*
        rhyme* ballad* geschichte geschichten gedicht* märchen* liedtext* kurzgeschichte* reime* reimt ballade*
        poème* poésie* chanson* conte contes fable fables cuento* poema* poesía* canción canciones relato* fábula*
        racconto* poesia* filastrocca стих* стихотворен* сказк* рассказ
        | write* song songs novel* imagine* invent* tale joke* character* dragon* creative* slogan* humor* dialog*
        scene* metaphor* schreib* lied lieder roman romane erzähl* erfind* witz witze kreativ* drache* fantasie*
        rede écri* écris roman histoire invente* imagin* blague* rime* rimes raconte* créati* dragon* escrib*
        historia inventa* novela* chiste* creativ* rima rimas imagina* scrivi storia inventa* escreva história
        напиши песн* придумай
        """,
    "info": """
        explain* define* definition* meaning summar* translat* describe* capital difference* erklär* definier*
        bedeut* zusammenfass* fasse übersetz* beschreib* unterschied* hauptstadt nenne expliqu* définition*
        signifi* résum* tradui* décri* différence* capitale explica* explíca* definición significa* resum* traduc*
        traduz* describ* diferencia* spiega* riassum* traduci differenza significato объясн* переведи столица
        """,
    "ask": """
        | what who when where which whose how why tell list wer wann wo welch* wie warum wozu wieviel gibt ist
        sind quoi quel quelle quels quelles qui quand où comment pourquoi est qué quién quien cuándo cuando dónde
        donde cuál cual cómo como cosa chi dove quando perché quale o qual onde что кто где когда как
        """,
    "deep": """
        thorough* comprehensive* rigorous* exhaustive* prove proof proofs detailed essay essays dissertation
        ausführlich* detailliert* gründlich* umfassend* tiefgehend* beweis* aufsatz erörter* détaillé* approfondi*
        exhaustif* dissertation démontr* detallad* exhaustiv* demuestr* profundidad ensayo dettagliat*
        approfondit* докаж* подробно
        | detail details depth architect* design* research* complex* step steps elaborate* tradeoffs evaluate*
        plan schritt schritte schrittweise komplex* architektur* entwirf entwurf* étape étapes complexe*
        conception paso pasos complej* arquitectur* diseñ* passo progett*
        """,
    "quick": """
        briefly brief quick quickly short tldr kurz knapp kurze stichwort bref brièvement brève rapidement court
        breve brevemente corto rápido rápidamente rapido кратко
        | hi hello hey thanks thank hallo danke moin bonjour salut merci hola gracias ciao grazie olá obrigado
        привет спасибо
        """,
}

# Of scripts that do not part their words: looked for anywhere in the text.
PARTS: Mapping[str, tuple[str, ...]] = {
    "code": ("代码", "代碼", "编程", "函数", "脚本", "コード", "プログラム", "関数", "코드", "함수", "프로그램"),
    "reasoning": ("证明", "證明", "计算", "推理", "方程", "概率", "計算", "方程式", "論理", "증명", "계산", "방정식"),
    "creative": ("故事", "诗", "詩", "小说", "歌词", "物語", "小説", "俳句", "이야기", "소설", "시를"),
    "info": ("什么", "解释", "翻译", "总结", "何", "説明", "翻訳", "要約", "무엇", "설명", "번역", "요약"),
    "deep": ("详细", "深入", "证明", "全面", "詳しく", "詳細", "자세히"),
    "quick": ("简短", "简要", "短く", "簡単に", "간단히"),
}

# Seldom in prose, whatever its language.
CODE_MARKS = ("```", "def ", "();", "#include", "SELECT ", "</", "Traceback", "std::", "${", "=>", "!=", "==")

Weights = tuple[tuple[str, int], ...]  # kind, weight


def _entries() -> Iterator[tuple[str, str, int]]:
    for kind, text in _WORDS.items():
        strong, _, weak = text.partition("|")
        for words, weight in ((strong, 2), (weak, 1)):
            for word in words.split():
                yield from {(kind, form, weight) for form in (word, without_accents(word))}


def without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _tables() -> tuple[Mapping[str, Weights], Mapping[str, tuple[tuple[str, str, int], ...]]]:
    """Whole words; and stems by their first letters."""
    whole: dict[str, dict[str, int]] = {}
    stems: dict[str, set[tuple[str, str, int]]] = {}
    for kind, word, weight in _entries():
        if word.endswith("*"):
            stems.setdefault(word[:-1][:STEM], set()).add((word[:-1], kind, weight))
        else:
            kinds = whole.setdefault(word, {})
            kinds[kind] = max(weight, kinds.get(kind, 0))
    frozen = {word: tuple(kinds.items()) for word, kinds in whole.items()}
    return MappingProxyType(frozen), MappingProxyType({k: tuple(sorted(v)) for k, v in stems.items()})


WHOLE, STEMS = _tables()
