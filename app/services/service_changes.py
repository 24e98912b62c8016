"""What the approval of a プラン変更, an オプション or a 解約 brings about (I11)."""


def approved(application, operator, now, *, effective_on):
    raise NotImplementedError
